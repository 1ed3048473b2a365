# The demo's model on nine classes.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/composite_vis.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
heads = dict(bbox_head=dict(num_classes=9), mask_head=dict(num_classes=9))
model = dict(detector=dict(roi_head=heads), augment_head=dict(roi_head=heads))
max_iters = 6000
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_iters - 100, end=max_iters)
# D_pro learns from boxes as old as the tracker keeps them.
train_pipeline = _base_.train_pipeline
train_pipeline[0].max_age = _base_.model.tracker.num_frames_retain
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
