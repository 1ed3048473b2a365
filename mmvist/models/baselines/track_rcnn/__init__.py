"""TrackR-CNN: one file for each part of :class:`TrackRCNN`."""

from .association_head import AssociationHead
from .association_roi_head import AssociationRoIHead
from .association_tracker import AssociationTracker
from .temporal_convs import TemporalConvs
from .track_rcnn import TrackRCNN

__all__ = [
    'AssociationHead',
    'AssociationRoIHead',
    'AssociationTracker',
    'TemporalConvs',
    'TrackRCNN',
]
