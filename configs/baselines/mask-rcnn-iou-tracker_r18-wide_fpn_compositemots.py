# Mask R-CNN and the IoU tracker, the backbone widened until a frame costs as
# much as with VAE-VIST: 2524.9 M multiply-adds against 2512.3 M (1.005), counted by
# tools/analysis_tools/get_flops.py at 256 x 160 with 4 objects.
_base_ = './mask-rcnn-iou-tracker_r18-half_fpn_compositemots.py'
width = 77
model = dict(
    detector=dict(
        backbone=dict(stem_channels=width, base_channels=width),
        neck=dict(in_channels=[width, 2 * width, 4 * width, 8 * width]),
    )
)
