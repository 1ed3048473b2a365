# YouTube-VIS 2021, converted by tools/dataset_converters/youtubevis2coco.py. Trained
# on the whole training set; a test writes what the benchmark's server judges.
_base_ = './kitti_mots.py'

data_root = 'data/youtube_vis_2021/'
classes = (
    *('airplane', 'bear', 'bird', 'boat', 'car', 'cat', 'cow', 'deer', 'dog'),
    *('duck', 'earless_seal', 'elephant', 'fish', 'flying_disc', 'fox', 'frog'),
    *('giant_panda', 'giraffe', 'horse', 'leopard', 'lizard', 'monkey', 'motorbike'),
    *('mouse', 'parrot', 'person', 'rabbit', 'shark', 'skateboard', 'snake'),
    *('snowboard', 'squirrel', 'surfboard', 'tennis_racket', 'tiger', 'train'),
    *('truck', 'turtle', 'whale', 'zebra'),
)

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='train/JPEGImages'),
        metainfo=dict(classes=classes),
    )
)
val_cfg = val_dataloader = val_evaluator = None
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/valid.json',
        data_prefix=dict(img_path='valid/JPEGImages'),
        metainfo=dict(classes=classes),
    )
)
test_evaluator = dict(
    _delete_=True,
    type='mmvist.VISMetric',
    ann_file=data_root + 'annotations/valid.json',
    outfile_prefix='work_dirs/youtube_vis_2021_valid',
    format_only=True,
)
