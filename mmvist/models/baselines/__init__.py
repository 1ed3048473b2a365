from .mask_rcnn_iou import MaskRCNNIoU
from .track_rcnn import TrackRCNN

__all__ = ['MaskRCNNIoU', 'TrackRCNN']
