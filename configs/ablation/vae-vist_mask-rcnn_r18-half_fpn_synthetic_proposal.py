# Table 2, row (d) proposal branch alone.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(with_aux=False, with_augment=False)
