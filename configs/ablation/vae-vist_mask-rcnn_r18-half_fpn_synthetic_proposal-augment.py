# Table 2, row (f) proposal and augment branches.
_base_ = '../vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
model = dict(with_aux=False)
