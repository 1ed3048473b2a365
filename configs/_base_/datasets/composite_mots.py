# Clips in KITTI MOTS layout at 427 x 240, trained and tested at 256 x 144.
_base_ = './synthetic.py'

data_root = 'data/composite-mots/'
scale = (256, 144)
ann_file = data_root + 'annotations/val.json'

train_pipeline = _base_.train_pipeline
train_pipeline[1].transforms[2].scale = scale
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
