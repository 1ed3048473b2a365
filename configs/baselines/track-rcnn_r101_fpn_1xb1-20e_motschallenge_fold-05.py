# TrackR-CNN on MOTSChallenge at the size of the paper, trained without sequence 05.
_base_ = './track-rcnn_r101_fpn_1xb1-20e_motschallenge_fold-02.py'

fold = 'MOTS20-05'
ann_file = f'{_base_.data_root}annotations/{fold}_val.json'
train_dataloader = dict(dataset=dict(ann_file=f'annotations/{fold}_train.json'))
val_dataloader = dict(dataset=dict(ann_file=f'annotations/{fold}_val.json'))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmvist.VISMetric', ann_file=ann_file),
    dict(type='mmvist.MOTSMetric', ann_file=ann_file),
]
test_evaluator = val_evaluator
