# The floor of the demo: the same detector alone, its masks linked by IoU.
_base_ = [
    '../_base_/models/mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
model = dict(
    type='mmvist.MaskRCNNIoU',
    data_preprocessor={{_base_.data_preprocessor}},
    detector={{_base_.detector}},
    # by IoU alone: what looks new is new
    tracker=dict(
        type='mmvist.IoUHungarianTracker', match_iou_thr=0.5, recover_iou_thr=1.0
    ),
)
# An iteration takes about half of VAE-VIST's: the same training time.
max_iters = 2000
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=max_iters - 100, end=max_iters)
