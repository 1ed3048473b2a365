# The detector of the demo, its masks linked by the IoU tracker that the paper
# compares with. The paper gives none of its numbers: those of the tracker are ours.
_base_ = './mask-rcnn_r18-half_fpn.py'

model = dict(
    type='mmvist.MaskRCNNIoU',
    data_preprocessor={{_base_.data_preprocessor}},
    detector={{_base_.detector}},
    tracker=dict(
        type='mmvist.IoUTracker',
        sigma_l=0.3,
        sigma_h=0.8,
        sigma_iou=0.5,
        t_min=2,
        iou_type='mask',
        offline=True,
    ),
)
