# Mended MaskTrack R-CNN on generated clips.
# As many frames with boxes and masks as VAE-VIST trains on, each with a reference
# frame beside it.
_base_ = [
    '../_base_/models/masktrack-rcnn_mask-rcnn_r18-half_fpn_mended.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(type='mmvist.RefFrameSample')
train_pipeline[2] = dict(type='mmdet.PackTrackInputs')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
