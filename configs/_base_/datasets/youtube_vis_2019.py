# YouTube-VIS 2019. The official validation set has no public truth: section 4.1 of
# the paper splits the training set, 2,038 videos to train on and 200 to test on.
_base_ = './kitti_mots.py'

data_root = 'data/youtube_vis_2019/'
classes = (
    *('person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape'),
    *('dog', 'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish'),
    *('train', 'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox'),
    *('deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant'),
    *('snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal'),
    'tennis_racket',
)
data_prefix = dict(img_path='train/JPEGImages')
ann_file = data_root + 'annotations/paper_val.json'

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/paper_train.json',
        data_prefix=data_prefix,
        metainfo=dict(classes=classes),
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/paper_val.json',
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
