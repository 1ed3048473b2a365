"""Transforms of a whole video's information into frames."""

from mmvist.datasets.transforms.adjacent_frame_sample import AdjacentFrameSample
from mmvist.datasets.transforms.consecutive_frame_sample import ConsecutiveFrameSample

__all__ = ['AdjacentFrameSample', 'ConsecutiveFrameSample']
