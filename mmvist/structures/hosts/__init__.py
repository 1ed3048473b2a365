"""Batches of the two hosts, made into the neutral clip structure."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.structures import BaseDataElement
from torch import Tensor

from mmvist.structures.clip import Clip, Frame

from .common import flat_samples, frame_from_sample
from .from_mmdet import clip_from_mmdet
from .from_mmtrack import clip_from_mmtrack
from .names import class_names

__all__ = [
    'class_names',
    'clip_from_mmdet',
    'clip_from_mmtrack',
    'flat_samples',
    'frame_from_sample',
    'unpack_clip',
    'unpack_frames',
]

Inputs = Tensor | dict[str, Tensor]
"""(N, T, C, H, W) of MMDetection; ``img`` and ``ref_img`` of MMTracking."""


def unpack_clip(inputs: Inputs, data_samples: Sequence[BaseDataElement]) -> Clip:
    """The training batch of either host.

    Args:
        inputs: What the host's data preprocessor gives.
        data_samples: Its samples, N.

    Raises:
        ValueError: The frames are not t-1, t and t+1, or metainfo is missing.
    """
    if isinstance(inputs, dict):
        return clip_from_mmtrack(inputs, data_samples)
    return clip_from_mmdet(inputs, data_samples)


def unpack_frames(
    inputs: Inputs, data_samples: Sequence[BaseDataElement]
) -> list[tuple[Frame, BaseDataElement]]:
    """The test frames of one video, each with the sample that takes its result.

    Args:
        inputs: What the host's data preprocessor gives, N = 1: a whole video or
            some frames of it of MMDetection, one frame of MMTracking.
        data_samples: Its one sample.

    Raises:
        ValueError: More than one video in the batch, or no ``frame_id``.
    """
    if len(data_samples) != 1:
        raise ValueError(
            f'one video at a time is tested, got {len(data_samples)}: set '
            'batch_size=1 in the test dataloader'
        )
    if isinstance(inputs, dict):
        images, samples = inputs['img'], list(data_samples)
    else:
        images, samples = inputs, data_samples[0].video_data_samples
    return [
        (frame_from_sample(images[:, position], sample), sample)
        for position, sample in enumerate(samples)
    ]
