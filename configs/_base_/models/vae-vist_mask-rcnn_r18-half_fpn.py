# VAE-VIST at the size of the demo: every part of the paper, narrow.
_base_ = './mask-rcnn_r18-half_fpn.py'

widths = (16, 32, 32, 64, 64)
skip_channels = (32, 64, 64, 64)
latent_channels = 16

model = dict(
    type='mmvist.VAEVIST',
    data_preprocessor={{_base_.data_preprocessor}},
    detector={{_base_.detector}},
    encoder=dict(
        type='mmvist.VideoEncoder',
        widths=widths,
        latent_channels=latent_channels,
        stem_stride=2,
    ),
    kl_loss=dict(
        type='mmvist.GPKLLoss', prior_rho=0, loss_weight=0.01, warmup_iters=100
    ),
    auxiliary_head=dict(
        type='mmvist.AuxiliaryHead',
        latent_channels=latent_channels,
        widths=widths,
        stem_stride=2,
        loss_weight=1.0,
    ),
    proposal_head=dict(
        type='mmvist.ProposalHead',
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(32, 64, 64, 64),
        out_channels=64,
        fc_channels=256,
        roi_context=1.5,
    ),
    augment_head=dict(
        type='mmvist.AugmentHead',
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        mask_channels=64,
        widths=(64, 64, 64, 64),
        out_channels=64,
        roi_head={{_base_.roi_head}},
        train_cfg=dict(
            assigner=dict(
                type='mmdet.MaxIoUAssigner',
                pos_iou_thr=0.5,
                neg_iou_thr=0.5,
                min_pos_iou=0.5,
                match_low_quality=False,
                ignore_iof_thr=-1,
            ),
            sampler=dict(
                type='mmdet.RandomSampler',
                num=32,
                pos_fraction=0.5,
                neg_pos_ub=-1,
                add_gt_as_proposals=False,
            ),
            mask_size=28,
            pos_weight=-1,
            debug=False,
        ),
        test_cfg=dict(mask_thr_binary=0.5),
    ),
    tracker=dict(type='mmvist.IoUHungarianTracker', num_frames_retain=10),
    mask_format='rle',
    train_cfg=dict(start_iters=500),
)
