# The generated clips of tools/dataset_converters/make_synthetic.py, in KITTI
# MOTS layout: the way through the code is that of KITTI MOTS itself.
_base_ = './kitti_mots.py'

data_root = 'data/synthetic/'
scale = (192, 128)
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
train_dataloader = dict(
    num_workers=1,
    sampler=dict(type='mmvist.VideoFrameSampler', infinite=True),
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=ann_file),
    dict(type='mmvist.MOTSMetric', ann_file=ann_file),
]
test_evaluator = val_evaluator
