from .clip import Clip, Frame, KnownInstances, clip_from_mmdet, frame_from_mmdet
from .combined_mask import combined_mask, damage_masks, jitter_boxes
from .masks import disjoint_masks, mask_iou
from .track_state import Tracks, VideoState

__all__ = [
    'Clip',
    'Frame',
    'KnownInstances',
    'Tracks',
    'VideoState',
    'clip_from_mmdet',
    'combined_mask',
    'damage_masks',
    'disjoint_masks',
    'frame_from_mmdet',
    'jitter_boxes',
    'mask_iou',
]
