# Table 2, row (a) without skip connections.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(with_skip=False)
