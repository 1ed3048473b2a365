# The detector of VAE-VIST at the size of the paper, its masks linked by the IoU
# tracker that the paper compares with. The numbers of the tracker are ours.
_base_ = './vae-vist_mask-rcnn_r101_fpn.py'

model = dict(
    _delete_=True,
    type='mmvist.MaskRCNNIoU',
    data_preprocessor=_base_.model.data_preprocessor,
    detector=_base_.model.detector,
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
