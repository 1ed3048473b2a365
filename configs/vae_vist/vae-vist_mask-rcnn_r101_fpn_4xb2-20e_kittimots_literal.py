# The letter of the paper wherever the default departs from it; the reasons are
# in docs/departures.md.
_base_ = './vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'

model = dict(
    # the ELBO as printed: weight 1, the sum over all latents
    kl_loss=dict(loss_weight=1.0, reduction='sum', warmup_iters=0),
    # z is drawn when testing, too
    sample_at_test=True,
    # b^pro and b^mask match by IoU alone; an identity never ends by its score,
    # and an unmatched detection is new whatever the augment branch says of it.
    # An identity whose mask is empty still ends after five frames.
    tracker=dict(
        class_aware=False,
        match_score_thr=0.5,
        birth_score_thr=0.5,
        augment_birth_score_thr=0.0,
        keep_score_thr=0.0,
        recover_iou_thr=1.0,
        duplicate_iou_thr=1.0,
    ),
    # Lambda_{t-1} and b_{t-1} are the truth
    train_cfg=dict(
        drop_prob=0.0,
        mask_shift=0.0,
        mask_scale=0.0,
        mask_rotate=0.0,
        box_jitter=0.0,
        num_jitters=1,
    ),
)
train_pipeline = _base_.train_pipeline
train_pipeline[0].update(first_frame_prob=0.0, max_age=0)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
