"""The neutral clip structure between host and model.

MMDetection hands over a (N, T, C, H, W) stack with nested samples, MMTracking a
dict of key and reference frames with flat ones. ``VAEVIST`` knows neither:
:mod:`mmvist.structures.hosts` makes a :class:`Clip` for ``loss()`` and
:class:`Frame` for ``step()`` of both.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mmdet.structures import DetDataSample
from torch import Tensor


@dataclass
class KnownInstances:
    """What a sample says of the frames before t.

    Attributes:
        boxes: Last box, (M, 4) xyxy, network pixels.
        labels: Classes, (M,) long.
        ids: Identities, (M,) long.
        ages: Frames between t-1 and the box, (M,) long; 0: visible at t-1.
        masks: Masks of that frame, (M, H, W) uint8, padded.
    """

    boxes: Tensor
    labels: Tensor
    ids: Tensor
    ages: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Tensor) -> KnownInstances:
        return KnownInstances(**{key: value[rows] for key, value in vars(self).items()})


@dataclass
class Clip:
    """A training batch of N clips.

    Attributes:
        frame: F_t, (N, 3, H, W), normalised and padded, as the others.
        prev_frame: F_{t-1}; F_t itself for a first frame.
        next_frame: F_{t+1}.
        has_next: Whether F_{t+1} exists, (N,) bool.
        known: Instances before t, N times; empty for a first frame.
        data_samples: Of t, N times, with ``gt_instances`` (``bboxes``,
            ``labels``, ``masks``, ``instances_ids``).
    """

    frame: Tensor
    prev_frame: Tensor
    next_frame: Tensor
    has_next: Tensor
    known: list[KnownInstances]
    data_samples: list[DetDataSample]

    @property
    def img_shapes(self) -> list[tuple[int, int]]:
        """(height, width) of each frame without padding."""
        return [tuple(sample.img_shape[:2]) for sample in self.data_samples]


@dataclass
class Frame:
    """One frame to track.

    Attributes:
        image: (1, 3, H, W), normalised and padded.
        video_id: Any value that tells videos apart.
        frame_id: Position in the video, from 0.
        ori_shape: (height, width) of the frame as filmed.
        img_shape: (height, width) after resizing, without padding.
        scale_factor: (width, height) ratio of ``img_shape`` to ``ori_shape``.
    """

    image: Tensor
    video_id: object
    frame_id: int
    ori_shape: tuple[int, int]
    img_shape: tuple[int, int]
    scale_factor: tuple[float, float] = field(default=(1.0, 1.0))

    @property
    def metainfo(self) -> dict:
        """The metainfo that the host's heads ask for."""
        return dict(
            ori_shape=self.ori_shape,
            img_shape=self.img_shape,
            scale_factor=self.scale_factor,
            batch_input_shape=tuple(self.image.shape[-2:]),
            pad_shape=tuple(self.image.shape[-2:]),
        )
