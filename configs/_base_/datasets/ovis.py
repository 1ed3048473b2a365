# OVIS in YouTube-VIS layout, otherwise as YouTube-VIS 2021.
_base_ = './youtube_vis_2021.py'

data_root = 'data/ovis/'
classes = (  # spelt as in the annotation files
    *('Person', 'Bird', 'Cat', 'Dog', 'Horse', 'Sheep', 'Cow', 'Elephant', 'Bear'),
    *('Zebra', 'Giraffe', 'Poultry', 'Giant_panda', 'Lizard', 'Parrot', 'Monkey'),
    *('Rabbit', 'Tiger', 'Fish', 'Turtle', 'Bicycle', 'Motorcycle', 'Airplane'),
    *('Boat', 'Vehical'),
)

train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='train'),
        metainfo=dict(classes=classes),
    )
)
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        data_prefix=dict(img_path='valid'),
        metainfo=dict(classes=classes),
    )
)
test_evaluator = dict(
    ann_file=data_root + 'annotations/valid.json',
    outfile_prefix='work_dirs/ovis_valid',
)
