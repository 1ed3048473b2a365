# The demo with half the channels in encoder and decoders, skips that join by 1x1
# convolutions, and channels innermost in memory. The fast config at the size of the
# paper, whose model is wider, goes to a quarter in the decoders.
_base_ = './vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'

widths = (8, 8, 16, 32, 32)
skip_channels = (16, 32, 32, 32)
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
        skip_kernel=1,
    ),
    augment_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(32, 32, 32, 32),
        skip_kernel=1,
        with_shortcut=True,
    ),
)
