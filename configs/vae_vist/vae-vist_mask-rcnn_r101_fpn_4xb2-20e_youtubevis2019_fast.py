# The fast VAE-VIST on YouTube-VIS 2019: encoder and decoders of a quarter of the width
# (the encoder's ends of half), the first block at half resolution, 1x1 convolutions
# where the detector's maps join D_aug, heads that read those maps plus what D_aug says
# is to change in them, masks that have their edges from the frame, and channels
# innermost in memory.
_base_ = './vae-vist_mask-rcnn_r101_fpn_4xb2-20e_youtubevis2019.py'

widths = (16, 16, 32, 64, 128)
skip_channels = (32, 64, 128, 128)
latent_channels = 16

model = dict(
    channels_last=True,
    # as many RoIs as MMDetection's MaskTrack R-CNN takes
    detector=dict(test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=200))),
    encoder=dict(widths=widths, latent_channels=latent_channels, stem_stride=2),
    auxiliary_head=dict(widths=widths, latent_channels=latent_channels, stem_stride=2),
    proposal_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(32, 64, 64, 64),
        out_channels=64,
        fc_channels=256,
    ),
    # its heads stay as they are: masks suffer first
    augment_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(64, 64, 64, 64),
        skip_kernel=1,
        with_shortcut=True,
        with_detail=True,
    ),
)
