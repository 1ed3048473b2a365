# TrackR-CNN on MOTSChallenge at the size of the paper, trained without sequence 02.
_base_ = [
    '../_base_/models/track-rcnn_mask-rcnn_r101_fpn.py',
    '../_base_/datasets/mots_challenge.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
# A step of VAE-VIST has detection losses on 8 frames t, here on a clip of 8, and an
# epoch has as many clips as steps there: the same frames in as many steps.
clip_length = 8
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.ConsecutiveFrameSample', num_frames=clip_length)
train_dataloader = dict(
    batch_size=1,
    sampler=dict(clip_length=clip_length),
    dataset=dict(pipeline=train_pipeline),
)
auto_scale_lr = dict(base_batch_size=1)
model = dict(
    detector=dict(
        roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
    ),
    # those of the released code
    tracker=dict(score_thr=0.972, max_distance=8.35, num_frames_retain=9),
)
