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
    tracker=dict(type='mmvist.IoUHungarianTracker', match_iou_thr=0.5),
)
