"""Datasets, samplers, transforms, converters and the synthetic clips."""

from mmvist.datasets.errors import DataError
from mmvist.datasets.mots_dataset import MOTSDataset
from mmvist.datasets.samplers import FrameIndex, VideoFrameSampler
from mmvist.datasets.synthetic import write_synthetic
from mmvist.datasets.transforms import (
    AdjacentFrameSample,
    ConsecutiveFrameSample,
    LoadFrame,
    RefFrameSample,
)

__all__ = [
    'AdjacentFrameSample',
    'ConsecutiveFrameSample',
    'DataError',
    'FrameIndex',
    'LoadFrame',
    'MOTSDataset',
    'RefFrameSample',
    'VideoFrameSampler',
    'write_synthetic',
]
