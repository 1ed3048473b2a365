# The same on video: the backbone also has to tell the next frame. Runs on a CPU, on
# the clips of tools/dataset_converters/make_synthetic.py.
_base_ = '../baselines/mask-rcnn-iou_r18-half_fpn_synthetic.py'

widths = (16, 32, 32, 64, 64)
model = dict(
    _delete_=True,
    type='mmvist.LatentSupervision',
    detector=_base_.model,
    encoder=dict(type='mmvist.FeatureEncoder', in_channels=256, latent_channels=16),
    auxiliary_head=dict(
        type='mmvist.AuxiliaryHead', latent_channels=16, widths=widths, stem_stride=2
    ),
    kl_loss=dict(type='mmvist.GPKLLoss', loss_weight=0.01, warmup_iters=100),
)
