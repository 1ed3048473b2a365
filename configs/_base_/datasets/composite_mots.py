# Clips in KITTI MOTS layout at 427 x 240, tested at 256 x 144. Few source clips
# make them, so that colour and size are varied in training.
_base_ = './synthetic.py'

data_root = 'data/composite-mots/'
scale = (256, 144)
ann_file = data_root + 'annotations/val.json'

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
    dict(type='mmdet.PhotoMetricDistortion'),
    dict(
        type='RandomResize',
        scale=scale,
        ratio_range=(0.75, 1.25),
        resize_type='mmdet.Resize',
        keep_ratio=True,
    ),
    dict(type='mmdet.RandomFlip', prob=0.5),
]
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = scale

train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=ann_file),
    dict(type='mmvist.MOTSMetric', ann_file=ann_file),
]
test_evaluator = val_evaluator
