# Table 2, row (c) without variational inference.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(variational=False)
