# Table 2, row (e) auxiliary and proposal branches.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(with_augment=False)
