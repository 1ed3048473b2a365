from .mask_rcnn_iou import MaskRCNNIoU

__all__ = ['MaskRCNNIoU']
