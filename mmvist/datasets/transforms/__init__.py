"""Transforms of a whole video's information into frames."""

from mmvist.datasets.transforms.adjacent_frame_sample import AdjacentFrameSample

__all__ = ['AdjacentFrameSample']
