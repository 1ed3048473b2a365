# KITTI MOTS, converted by tools/dataset_converters/kitti_mots2coco.py. Any set
# in its layout is a config of this one: change data_root and classes.
data_root = 'data/kitti_mots/'
classes = ('car', 'pedestrian')
scale = (1333, 800)
meta_keys = ('is_first', 'has_next', 'instance_ages')

train_pipeline = [
    dict(type='mmvist.AdjacentFrameSample', first_frame_prob=0.1, max_age=5),
    dict(
        type='TransformBroadcaster',
        share_random_params=True,
        transforms=[
            dict(type='LoadImageFromFile'),
            dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
            dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
            dict(type='mmdet.RandomFlip', prob=0.5),
        ],
    ),
    dict(type='mmdet.PackTrackInputs', meta_keys=meta_keys),
]
test_pipeline = [
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='mmvist.LoadFrame'),
            dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
        ],
    ),
    dict(type='mmdet.PackTrackInputs', meta_keys=('unreadable',)),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmvist.VideoFrameSampler'),
    batch_sampler=None,
    dataset=dict(
        type='mmvist.MOTSDataset',
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img_path='training/image_02'),
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='mmvist.VideoFrameSampler'),
    dataset=dict(
        type='mmvist.MOTSDataset',
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img_path='training/image_02'),
        metainfo=dict(classes=classes),
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=data_root + 'annotations/val.json'),
    dict(type='mmvist.MOTSMetric', ann_file=data_root + 'annotations/val.json'),
]
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
