# The demo: a small VAE-VIST, from scratch, on generated clips.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r18-half_fpn.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
