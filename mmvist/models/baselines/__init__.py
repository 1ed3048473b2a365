from .mask_rcnn_iou import MaskRCNNIoU
from .masktrack_rcnn import MaskTrackRCNN
from .roi_embed_head import RoIEmbedHead
from .track_rcnn import TrackRCNN

__all__ = ['MaskRCNNIoU', 'MaskTrackRCNN', 'RoIEmbedHead', 'TrackRCNN']
