from .candidates import MATCHED, NEW, PROPAGATED, Candidates
from .iou_hungarian_tracker import IoUHungarianTracker
from .iou_tracker import IoUTracker
from .masktrack_rcnn_tracker import MaskTrackRCNNTracker

__all__ = [
    'MATCHED',
    'NEW',
    'PROPAGATED',
    'Candidates',
    'IoUHungarianTracker',
    'IoUTracker',
    'MaskTrackRCNNTracker',
]
