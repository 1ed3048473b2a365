# The generated clips of tools/dataset_converters/make_synthetic.py, in KITTI
# MOTS layout: the way through the code is that of KITTI MOTS itself.
_base_ = './kitti_mots.py'

data_root = 'data/synthetic/'
scale = (192, 128)
ann_file = data_root + 'annotations/val.json'

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = scale
test_pipeline = _base_.test_pipeline
test_pipeline[0].transforms[1].scale = scale

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
