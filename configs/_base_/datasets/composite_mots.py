# Clips in KITTI MOTS layout at 427 x 240, trained and tested at 256 x 144.
_base_ = './synthetic.py'

data_root = 'data/composite-mots/'
scale = (256, 144)
ann_file = data_root + 'annotations/val.json'

resize = dict(type='mmdet.Resize', scale=scale, keep_ratio=True)
train_pipeline = [
    dict(type='mmvist.AdjacentFrameSample', first_frame_prob=0.1, max_age=5),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadImageFromFile'),
            dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
            resize,
            dict(type='mmdet.RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmdet.PackTrackInputs', meta_keys={{_base_.meta_keys}}),
]
test_pipeline = [
    dict(
        type='TransformBroadcaster',
        transforms=[dict(type='LoadImageFromFile'), resize],
    ),
    dict(type='mmdet.PackTrackInputs'),
]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=ann_file),
    dict(type='mmvist.MOTSMetric', ann_file=ann_file),
]
test_evaluator = val_evaluator
