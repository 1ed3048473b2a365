# The detector of the demo and the IoU tracker, on generated clips.
# As many frames with boxes and masks as VAE-VIST trains on.
_base_ = [
    '../_base_/models/mask-rcnn-iou-tracker_r18-half_fpn.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
