# Mended MaskTrack R-CNN on clips with real texture and motion.
# As many frames with boxes and masks as VAE-VIST trains on, each with a reference
# frame beside it.
_base_ = [
    '../_base_/models/masktrack-rcnn_mask-rcnn_r18-half_fpn_mended.py',
    '../_base_/datasets/composite_mots.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.RefFrameSample')
train_pipeline[2] = dict(type='mmdet.PackTrackInputs')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
max_iters = 8000
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_iters - 100, end=max_iters)
