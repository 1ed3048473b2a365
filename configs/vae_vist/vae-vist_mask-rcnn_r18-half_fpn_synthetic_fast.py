# The demo with half the channels in encoder and decoders, and skips that join by 1x1
# convolutions: what the fast config at the size of the paper does to its own.
_base_ = './vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'

widths = (8, 16, 16, 32, 32)
skip_channels = (16, 32, 32, 32)
latent_channels = 8
channels = 32

model = dict(
    encoder=dict(widths=widths, latent_channels=latent_channels),
    auxiliary_head=dict(widths=widths, latent_channels=latent_channels),
    proposal_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(32, 32, 32, 32),
        out_channels=32,
        fc_channels=128,
        skip_kernel=1,
    ),
    augment_head=dict(
        latent_channels=latent_channels,
        skip_channels=skip_channels,
        widths=(32, 32, 32, 32),
        out_channels=channels,
        skip_kernel=1,
        roi_head=dict(
            bbox_roi_extractor=dict(out_channels=channels),
            bbox_head=dict(in_channels=channels),
            mask_roi_extractor=dict(out_channels=channels),
            mask_head=dict(in_channels=channels, conv_out_channels=channels),
        ),
    ),
)
