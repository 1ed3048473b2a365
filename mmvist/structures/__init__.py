from .clip import Clip, Frame, KnownInstances
from .combined_mask import combined_mask, damage_masks, jitter_boxes
from .hosts import unpack_clip, unpack_frames
from .masks import disjoint_masks, mask_iou
from .track_state import Tracks, VideoState

__all__ = [
    'Clip',
    'Frame',
    'KnownInstances',
    'Tracks',
    'VideoState',
    'combined_mask',
    'damage_masks',
    'disjoint_masks',
    'jitter_boxes',
    'mask_iou',
    'unpack_clip',
    'unpack_frames',
]
