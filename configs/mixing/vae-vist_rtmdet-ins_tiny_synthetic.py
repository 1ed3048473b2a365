# VAE-VIST beside RTMDet-Ins: another detector, the same heads.
_base_ = [
    '../_base_/models/vae-vist_mask-rcnn_r18-half_fpn.py',
    '../_base_/models/rtmdet-ins_tiny.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/demo.py',
    '../_base_/runtime_by_iter.py',
]
model = dict(
    detector=dict(_delete_=True, **_base_.rtmdet),
    # its maps begin at stride 8: x^Aug_4 is E_4 alone
    augment_head=dict(
        mask_strides=(8, 16, 32), mask_channels={{_base_.rtmdet_channels}}
    ),
)
