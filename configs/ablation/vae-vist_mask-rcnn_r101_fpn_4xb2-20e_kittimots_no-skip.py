# Table 2, row (a) without skip connections.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'
model = dict(with_skip=False)
