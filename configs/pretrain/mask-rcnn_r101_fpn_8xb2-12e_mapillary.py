# Section 4.1 of the paper, second step: the Mask R-CNN of COCO goes on with the cars
# and persons of Mapillary Vistas. The paper gives no settings: schedule and learning
# rate are our choice, the images have the size of the later training.
_base_ = './mask-rcnn_r101_fpn_8xb2-24e_coco.py'

# MMDetection's checkpoint of the COCO config; your own run of it instead is
# work_dirs/mask-rcnn_r101_fpn_8xb2-24e_coco/epoch_24.pth
load_from = (
    'https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r101_fpn_2x_coco/'
    'mask_rcnn_r101_fpn_2x_coco_bbox_mAP-0.408__segm_mAP-0.366_20200505_071027-14b391c7.pth'
)

data_root = 'data/mapillary/'
# car and person first, as in KITTI MOTS: its class layers take these weights over
metainfo = dict(classes=('car', 'person'))
ann_file = data_root + 'annotations/validation.json'
model = dict(
    backbone=dict(init_cfg=None),
    roi_head=dict(bbox_head=dict(num_classes=2), mask_head=dict(num_classes=2)),
)
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/training.json',
        data_prefix=dict(img='training/images/'),
        metainfo=metainfo,
    )
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/validation.json',
        data_prefix=dict(img='validation/images/'),
        metainfo=metainfo,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=ann_file)
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=12)
optim_wrapper = dict(optimizer=dict(lr=0.01))
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(end=12, milestones=[8, 11])
