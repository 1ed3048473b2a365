# Clips of nine classes in YouTube-VIS layout, converted by
# tools/dataset_converters/youtubevis2coco.py.
_base_ = './composite_mots.py'

data_root = 'data/composite-vis/'
classes = (
    'bird',
    'camel',
    'cow',
    'dog',
    'goat',
    'horse',
    'person',
    'car',
    'motorbike',
)
ann_file = data_root + 'annotations/val_cocovid.json'
data_prefix = dict(img_path='JPEGImages')

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/train_cocovid.json',
        data_prefix=data_prefix,
        metainfo=dict(classes=classes),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/val_cocovid.json',
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
