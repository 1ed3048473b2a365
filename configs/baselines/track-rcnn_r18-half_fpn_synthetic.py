# TrackR-CNN on the demo's detector, data and schedule.
_base_ = [
    '../_base_/models/track-rcnn_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
clip_length = 8
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.ConsecutiveFrameSample', num_frames=clip_length)
train_dataloader = dict(batch_size=1, dataset=dict(pipeline=train_pipeline))
# As many frames with detection losses as the detector of VAE-VIST sees: there 1,000
# steps of 2 frames t, here 250 of a clip of 8, the schedule squeezed into them.
max_iters = 1000 * 2 // clip_length
warmup = max_iters // 10
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = warmup
param_scheduler[1].update(T_max=max_iters - warmup, begin=warmup, end=max_iters)
