# Mended MaskTrack R-CNN on MOTSChallenge at the size of the paper,
# trained without sequence 02.
_base_ = [
    '../_base_/models/masktrack-rcnn_mask-rcnn_r101_fpn_mended.py',
    '../_base_/datasets/mots_challenge.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
model = dict(detector=dict(roi_head=heads))
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.RefFrameSample')
train_pipeline[2] = dict(type='mmdet.PackTrackInputs')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
