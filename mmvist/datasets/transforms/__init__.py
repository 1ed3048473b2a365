"""Transforms of a whole video's information into frames."""

from mmvist.datasets.transforms.adjacent_frame_sample import AdjacentFrameSample
from mmvist.datasets.transforms.consecutive_frame_sample import ConsecutiveFrameSample
from mmvist.datasets.transforms.load_frame import LoadFrame
from mmvist.datasets.transforms.ref_frame_sample import RefFrameSample

__all__ = [
    'AdjacentFrameSample',
    'ConsecutiveFrameSample',
    'LoadFrame',
    'RefFrameSample',
]
