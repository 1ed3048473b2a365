# Table 2, row (b) without correlation of the latents.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(with_corr=False)
