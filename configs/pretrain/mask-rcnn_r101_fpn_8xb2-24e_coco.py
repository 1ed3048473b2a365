# Section 4.1 of the paper, first step: Mask R-CNN on COCO. The config is MMDetection's
# own, the one that its public checkpoint comes from; only the ImageNet weights are
# named by their address, since `torchvision://` needs torchvision.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r101_fpn_2x_coco.py'

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth',
        )
    )
)
