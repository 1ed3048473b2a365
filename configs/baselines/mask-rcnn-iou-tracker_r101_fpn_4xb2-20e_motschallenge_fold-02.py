# Mask R-CNN and the IoU tracker on MOTSChallenge at the size of the paper,
# trained without sequence 02.
# tools/mots_challenge_folds.py runs the four folds and sums their counts.
_base_ = [
    '../_base_/models/mask-rcnn-iou-tracker_r101_fpn.py',
    '../_base_/datasets/mots_challenge.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
model = dict(detector=dict(roi_head=heads))
