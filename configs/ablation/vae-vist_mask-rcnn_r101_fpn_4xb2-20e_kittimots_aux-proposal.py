# Table 2, row (e) auxiliary and proposal branches.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'
model = dict(with_augment=False)
