# TrackR-CNN on clips with real texture and motion.
_base_ = [
    '../_base_/models/track-rcnn_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/composite_mots.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
clip_length = 8
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.ConsecutiveFrameSample', num_frames=clip_length)
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
# The detector of VAE-VIST learns from 8,000 x 2 frames t, see the config of the demo.
max_iters = 8000 * 2 // clip_length
warmup = 100 * 2 // clip_length
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 8)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = warmup
param_scheduler[1].update(T_max=max_iters - warmup, begin=warmup, end=max_iters)
