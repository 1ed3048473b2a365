# Mended MaskTrack R-CNN on YouTube-VIS 2019 at the size of the paper.
_base_ = [
    '../_base_/models/masktrack-rcnn_mask-rcnn_r101_fpn_mended.py',
    '../_base_/datasets/youtube_vis_2019.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
heads = dict(bbox_head=dict(num_classes=40), mask_head=dict(num_classes=40))
model = dict(
    detector=dict(roi_head=heads, test_cfg=dict(rcnn=dict(max_per_img=10))),
)
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.RefFrameSample')
train_pipeline[2] = dict(type='mmdet.PackTrackInputs')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
