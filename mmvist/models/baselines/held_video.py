"""Frames that wait for the end of their video."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmvist.structures.exclusive import (
    exclusive_instances,
    pack_masks,
    unpack_masks,
)

Finish = Callable[[Sequence[InstanceData]], list[InstanceData]]


class HeldVideo:
    """The tracked frames of one video, until nothing about them can change.

    Masks wait as run-length codes, boxes and scores on the device: a video of a
    thousand frames takes some megabytes.
    """

    def __init__(self) -> None:
        self._samples: list[DetDataSample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def complete(self) -> bool:
        """Whether all frames are there that the video has (``ori_video_length``)."""
        if not self._samples:
            return False
        meta = self._samples[-1].metainfo
        if 'ori_video_length' not in meta:
            raise ValueError(
                'the data sample has no ori_video_length, without which nobody knows '
                'where a video ends: pack it with PackTrackInputs, or track online '
                '(offline=False)'
            )
        return len(self) >= meta['ori_video_length']

    def add(self, sample: DetDataSample) -> None:
        """Hold a frame with its ``pred_track_instances``, masks (N, H, W) bool."""
        instances = sample.pred_track_instances
        held = DetDataSample(metainfo=sample.metainfo)
        held.pred_track_instances = InstanceData(
            **{key: value for key, value in instances.items() if key != 'masks'},
            masks=pack_masks(instances.masks),
        )
        self._samples.append(held)

    def release(self, finish: Finish) -> list[DetDataSample]:
        """Let go of all frames.

        Args:
            finish: Chooses the instances of a whole video, such as
                :meth:`IoUTracker.finished`.

        Returns:
            The frames with what is left of their instances: masks disjoint, each a
            run-length code, since those of a whole video are many.
        """
        samples, self._samples = self._samples, []
        frames = finish([sample.pred_track_instances for sample in samples])
        for sample, frame in zip(samples, frames, strict=True):
            size = tuple(sample.metainfo['ori_shape'][:2])
            frame = InstanceData(
                **{key: value for key, value in frame.items() if key != 'masks'},
                masks=unpack_masks(frame.masks, size),
            )
            frame = exclusive_instances(frame)
            masks = pack_masks(frame.masks)
            del frame.masks
            frame.masks = masks
            sample.pred_track_instances = frame
        return samples
