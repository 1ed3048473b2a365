# MMDetection's Mask R-CNN on COCO; D_aux and the KL of VAE-VIST as further losses on
# its backbone. Nothing of them is left in testing.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'
custom_imports = dict(imports=['mmvist'], allow_failed_imports=False)

detector = _base_.model
detector.backbone.init_cfg = None  # it would ask for torchvision's weights
detector.init_cfg = dict(
    type='Pretrained',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r50_fpn_1x_coco/mask_rcnn_r50_fpn_1x_coco_20200205-d4b0c5d6.pth',
)
model = dict(
    _delete_=True,
    type='mmvist.LatentSupervision',
    detector=detector,
    encoder=dict(type='mmvist.FeatureEncoder', in_channels=2048, latent_channels=32),
    auxiliary_head=dict(
        type='mmvist.AuxiliaryHead', latent_channels=32, stem_stride=2, loss_weight=0.5
    ),
    kl_loss=dict(type='mmvist.GPKLLoss', loss_weight=0.01, warmup_iters=1000),
)
