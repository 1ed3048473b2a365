# MMDetection's RTMDet-Ins tiny, batch normalisation trainable, nothing pretrained:
# a single-stage detector to train from scratch on a CPU. Strides 8, 16, 32.
norm = dict(type='BN', requires_grad=True)
rtmdet_channels = 96
rtmdet = dict(
    type='mmdet.RTMDet',
    use_syncbn=False,
    backbone=dict(
        type='mmdet.CSPNeXt',
        arch='P5',
        deepen_factor=0.167,
        widen_factor=0.375,
        channel_attention=True,
        norm_cfg=norm,
        act_cfg=dict(type='SiLU', inplace=True),
        init_cfg=None,
    ),
    neck=dict(
        type='mmdet.CSPNeXtPAFPN',
        in_channels=[96, 192, 384],
        out_channels=rtmdet_channels,
        num_csp_blocks=1,
        norm_cfg=norm,
        act_cfg=dict(type='SiLU', inplace=True),
    ),
    bbox_head=dict(
        type='mmdet.RTMDetInsSepBNHead',
        num_classes=2,
        in_channels=rtmdet_channels,
        feat_channels=rtmdet_channels,
        stacked_convs=2,
        norm_cfg=norm,
        act_cfg=dict(type='SiLU', inplace=True),
        anchor_generator=dict(
            type='mmdet.MlvlPointGenerator', offset=0, strides=[8, 16, 32]
        ),
        bbox_coder=dict(type='mmdet.DistancePointBBoxCoder'),
        loss_cls=dict(
            type='mmdet.QualityFocalLoss', use_sigmoid=True, beta=2.0, loss_weight=1.0
        ),
        loss_bbox=dict(type='mmdet.GIoULoss', loss_weight=2.0),
        loss_mask=dict(
            type='mmdet.DiceLoss', loss_weight=1.0, eps=5e-6, reduction='mean'
        ),
    ),
    train_cfg=dict(
        assigner=dict(type='mmdet.DynamicSoftLabelAssigner', topk=13),
        allowed_border=-1,
        pos_weight=-1,
        debug=False,
    ),
    test_cfg=dict(
        nms_pre=300,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.6),
        max_per_img=30,
        mask_thr_binary=0.5,
    ),
)
