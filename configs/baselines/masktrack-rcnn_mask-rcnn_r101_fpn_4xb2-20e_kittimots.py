# MMDetection's MaskTrack R-CNN on KITTI MOTS at the size of the paper.
_base_ = [
    '../_base_/models/masktrack-rcnn_mask-rcnn_r101_fpn.py',
    '../_base_/datasets/kitti_mots.py',
    '../_base_/schedules/adam_20e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = _base_.train_pipeline
train_pipeline[0] = dict(
    type='mmdet.UniformRefFrameSample', frame_range=100, filter_key_img=True
)
train_pipeline[2] = dict(type='mmdet.PackTrackInputs')
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
