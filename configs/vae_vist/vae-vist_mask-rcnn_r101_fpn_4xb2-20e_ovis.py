# VAE-VIST on OVIS, which the paper does not use.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r101_fpn.py',
    '../_base_/datasets/ovis.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=25), mask_head=dict(num_classes=25))
model = dict(
    detector=dict(roi_head=heads),
    augment_head=dict(roi_head=heads),
    # our choices, those of YouTube-VIS 2019
    kl_loss=dict(warmup_iters=7000),
    tracker=dict(match_iou_thr=0.3),
)
# nothing is validated
default_hooks = dict(checkpoint=dict(save_best=None, rule=None))
