# VAE-VIST on YouTube-VIS 2019 inside MMTracking: its Mask R-CNN, data set,
# pipelines, samplers, schedule, visualiser and metric; docs/mmtracking.md.
_base_ = [
    'mmtrack::vis/masktrack_rcnn/'
    'masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
]
custom_imports = dict(imports=['mmvist.interop.mmtrack'], allow_failed_imports=False)

widths = (32, 64, 128, 256, 256)
skip_channels = (128, 256, 256, 256)
latent_channels = 32
detector = _base_.model.detector

model = dict(
    _delete_=True,
    _scope_='mmdet',  # names of heads, losses and assigners are MMDetection's
    type='mmvist.VAEVIST',
    data_preprocessor=dict(
        _base_.model.data_preprocessor, type='mmtrack.TrackDataPreprocessor'
    ),
    detector=detector,
    encoder=dict(
        type='mmvist.VideoEncoder', widths=widths, latent_channels=latent_channels
    ),
    # the warm-up is about one epoch, as in the other configs of this size
    kl_loss=dict(
        type='mmvist.GPKLLoss', prior_rho=0, loss_weight=0.01, warmup_iters=7600
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
        roi_head=detector.roi_head,
        train_cfg=dict(
            assigner=detector.train_cfg.rcnn.assigner,
            sampler=dict(detector.train_cfg.rcnn.sampler, add_gt_as_proposals=False),
            mask_size=28,
            pos_weight=-1,
            debug=False,
        ),
        test_cfg=dict(mask_thr_binary=0.5),
    ),
    # every fifth frame is annotated: objects move farther from one to the next
    tracker=dict(type='mmvist.IoUHungarianTracker', match_iou_thr=0.3),
)
# Frame sampling: t with t-1 and t+1, instead of any other frame of the video.
train_dataloader = dict(
    dataset=dict(
        type='mmvist.AdjacentYouTubeVISDataset',
        ref_img_sampler=dict(_delete_=True, first_frame_prob=0.1, max_age=5),
    )
)
# A batch may leave a head without a RoI; DDP must not wait for its gradient.
find_unused_parameters = True
