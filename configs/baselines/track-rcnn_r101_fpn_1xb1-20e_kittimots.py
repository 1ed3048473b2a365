# TrackR-CNN on KITTI MOTS at the size of the paper.
_base_ = [
    '../_base_/models/track-rcnn_mask-rcnn_r101_fpn.py',
    '../_base_/datasets/kitti_mots.py',
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
