# The detector of the demo and the IoU tracker, on clips with real texture and motion.
# As many frames with boxes and masks as VAE-VIST trains on.
_base_ = [
    '../_base_/models/mask-rcnn-iou-tracker_r18-half_fpn.py',
    '../_base_/datasets/composite_mots.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
max_iters = 8000
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_iters - 100, end=max_iters)
