# Mask R-CNN and the IoU tracker on YouTube-VIS 2019 at the size of the paper.
_base_ = [
    '../_base_/models/mask-rcnn-iou-tracker_r101_fpn.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=40), mask_head=dict(num_classes=40))
model = dict(
    detector=dict(roi_head=heads),
    # our choice: every fifth frame is annotated, objects move further between two
    tracker=dict(sigma_iou=0.3),
)
