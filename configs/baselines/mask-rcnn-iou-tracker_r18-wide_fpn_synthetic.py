# Mask R-CNN and the IoU tracker, the backbone widened until a frame costs as
# much as with VAE-VIST: 1501.8 M multiply-adds against 1516.1 M (0.991), counted by
# tools/analysis_tools/get_flops.py at 192 x 128 with 4 objects.
_base_ = './mask-rcnn-iou-tracker_r18-half_fpn_synthetic.py'
width = 75
model = dict(
    detector=dict(
        backbone=dict(stem_channels=width, base_channels=width),
        neck=dict(in_channels=[width, 2 * width, 4 * width, 8 * width]),
    )
)
