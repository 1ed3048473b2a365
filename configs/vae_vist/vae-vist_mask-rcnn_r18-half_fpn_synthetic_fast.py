# The demo with what makes the fast config at the size of the paper so: a quarter of the
# channels in encoder and D_aug (half in D_pro, which is small here), 1x1 convolutions
# where the detector's maps join D_aug, heads that read those maps plus what D_aug says
# is to change in them, masks that have their edges from the frame, and channels
# innermost in memory.
_base_ = './vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'

widths = (8, 8, 8, 16, 32)
skip_channels = (8, 16, 32, 32)
latent_channels = 8

model = dict(
    channels_last=True,
    encoder=dict(widths=widths, latent_channels=latent_channels),
    auxiliary_head=dict(widths=widths, latent_channels=latent_channels),
    proposal_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(16, 32, 32, 32),
        out_channels=32,
        fc_channels=128,
    ),
    augment_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(16, 16, 16, 16),
        skip_kernel=1,
        with_shortcut=True,
        with_detail=True,
    ),
)
