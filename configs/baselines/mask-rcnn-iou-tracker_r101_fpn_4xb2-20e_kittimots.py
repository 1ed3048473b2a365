# Mask R-CNN and the IoU tracker on KITTI MOTS at the size of the paper.
_base_ = [
    '../_base_/models/mask-rcnn-iou-tracker_r101_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
