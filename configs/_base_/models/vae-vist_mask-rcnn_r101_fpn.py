# VAE-VIST at the size of the paper: MMDetection's Mask R-CNN with a ResNet-101
# FPN, and encoder and decoders of full width (the paper gives no widths).
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

num_classes = 2
widths = (32, 64, 128, 256, 256)
skip_channels = (128, 256, 256, 256)
latent_channels = 32

detector = _base_.model
detector.pop('data_preprocessor')
# COCO, as in the paper; for what comes after it, Mapillary, see configs/pretrain/.
# The class and mask layers of another class list are left as initialised.
detector.init_cfg = dict(
    type='Pretrained',
    checkpoint='https://download.openmmlab.com/mmdetection/v2.0/mask_rcnn/'
    'mask_rcnn_r101_fpn_2x_coco/'
    'mask_rcnn_r101_fpn_2x_coco_bbox_mAP-0.408__segm_mAP-0.366_20200505_071027-14b391c7.pth',
)
detector.backbone.depth = 101
detector.backbone.init_cfg = None
detector.roi_head.bbox_head.num_classes = num_classes
detector.roi_head.mask_head.num_classes = num_classes
detector.test_cfg.rcnn.max_per_img = 100
roi_head = _base_.model.roi_head
rcnn_train_cfg = _base_.model.train_cfg.rcnn

model = dict(
    _delete_=True,
    type='mmvist.VAEVIST',
    data_preprocessor=dict(
        type='mmdet.TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_mask=True,
        pad_size_divisor=32,
    ),
    detector=detector,
    encoder=dict(
        type='mmvist.VideoEncoder', widths=widths, latent_channels=latent_channels
    ),
    # the warm-up is about one epoch of KITTI MOTS
    kl_loss=dict(
        type='mmvist.GPKLLoss', prior_rho=0, loss_weight=0.01, warmup_iters=630
    ),
    auxiliary_head=dict(
        type='mmvist.AuxiliaryHead', latent_channels=latent_channels, widths=widths
    ),
    proposal_head=dict(
        type='mmvist.ProposalHead',
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=skip_channels,
        out_channels=256,
        fc_channels=1024,
    ),
    augment_head=dict(
        type='mmvist.AugmentHead',
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        mask_channels=256,
        widths=(256, 256, 256, 256),
        out_channels=256,
        roi_head=roi_head,
        train_cfg=dict(
            assigner=rcnn_train_cfg.assigner,
            sampler=dict(rcnn_train_cfg.sampler, add_gt_as_proposals=False),
            mask_size=28,
            pos_weight=-1,
            debug=False,
        ),
        test_cfg=dict(mask_thr_binary=0.5),
    ),
    tracker=dict(type='mmvist.IoUHungarianTracker', match_iou_thr=0.5),
    mask_format='rle',
)
