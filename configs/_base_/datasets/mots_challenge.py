# MOTSChallenge, converted by tools/dataset_converters/mots_challenge2coco.py. Leave
# one out, as in TrackR-CNN: sequence MOTS20-02 is tested, the other three train.
_base_ = './kitti_mots.py'

data_root = 'data/MOTS20/'
fold = 'MOTS20-02'
classes = ('pedestrian',)
data_prefix = dict(img_path='train')
ann_file = f'{data_root}annotations/{fold}_val.json'

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file=f'annotations/{fold}_train.json',
        data_prefix=data_prefix,
        metainfo=dict(classes=classes),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file=f'annotations/{fold}_val.json',
        data_prefix=data_prefix,
        metainfo=dict(classes=classes),
    )
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=ann_file),
    dict(type='mmvist.MOTSMetric', ann_file=ann_file),
]
test_evaluator = val_evaluator
