"""The neutral clip structure between host and model.

MMDetection hands over a (N, T, C, H, W) stack with ``TrackDataSample``;
another host may pack differently. ``VAEVIST`` knows neither: one small
unpacker a host makes a :class:`Clip` for ``loss()`` and a :class:`Frame` for
``step()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from mmdet.structures import DetDataSample, TrackDataSample
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


def clip_from_mmdet(inputs: Tensor, data_samples: Sequence[TrackDataSample]) -> Clip:
    """Unpack a batch made by ``AdjacentFrameSample`` and ``PackTrackInputs``.

    Args:
        inputs: (N, 3, 3, H, W): t-1, t and t+1.
        data_samples: N samples of three frames with the metainfo
            ``is_first``, ``has_next`` and ``instance_ages``.

    Raises:
        ValueError: The batch has not three frames, or lacks that metainfo.
    """
    if inputs.dim() != 5 or inputs.shape[1] != 3:
        raise ValueError(
            'VAEVIST trains on three adjacent frames (N, 3, C, H, W), got '
            f'{tuple(inputs.shape)}: put mmvist.AdjacentFrameSample in the pipeline'
        )
    known, current, has_next = [], [], []
    for sample in data_samples:
        before, now = sample[0], sample[1]
        missing = {'is_first', 'has_next', 'instance_ages'} - set(now.metainfo_keys())
        if missing:
            raise ValueError(
                f'the data samples lack {sorted(missing)}: pack them with '
                "PackTrackInputs(meta_keys=('is_first', 'has_next', 'instance_ages'))"
            )
        current.append(now)
        has_next.append(bool(now.has_next))
        known.append(_known_instances(before, inputs.shape[-2:]))
    return Clip(
        frame=inputs[:, 1],
        prev_frame=inputs[:, 0],
        next_frame=inputs[:, 2],
        has_next=torch.tensor(has_next, device=inputs.device),
        known=known,
        data_samples=current,
    )


def _known_instances(sample: DetDataSample, size: Sequence[int]) -> KnownInstances:
    instances = sample.gt_instances
    device = instances.bboxes.device
    ids = instances.instances_ids.long()
    if sample.is_first:
        ids = ids[:0]
    ages = [sample.instance_ages.get(int(one), 0) for one in ids]
    if len(ids):
        masks = instances.masks.to_tensor(torch.uint8, device)
        masks = torch.nn.functional.pad(
            masks, (0, size[1] - masks.shape[2], 0, size[0] - masks.shape[1])
        )
    else:
        masks = torch.zeros(0, *size, dtype=torch.uint8, device=device)
    boxes = instances.bboxes
    boxes = getattr(boxes, 'tensor', boxes)
    return KnownInstances(
        boxes=boxes[: len(ids)].float(),
        labels=instances.labels[: len(ids)].long(),
        ids=ids,
        ages=torch.tensor(ages, dtype=torch.long, device=device),
        masks=masks,
    )


def frame_from_mmdet(image: Tensor, data_sample: DetDataSample) -> Frame:
    """Unpack one test frame.

    Args:
        image: (1, 3, H, W), normalised and padded.
        data_sample: Its metainfo.

    Raises:
        ValueError: The metainfo has no ``frame_id``.
    """
    meta = data_sample.metainfo
    if 'frame_id' not in meta:
        raise ValueError(
            'the data sample has no frame_id, without which no frame follows '
            'another: pack it with PackTrackInputs'
        )
    return Frame(
        image=image,
        video_id=meta.get('video_id', 0),
        frame_id=int(meta['frame_id']),
        ori_shape=tuple(meta['ori_shape'][:2]),
        img_shape=tuple(meta['img_shape'][:2]),
        scale_factor=tuple(meta.get('scale_factor', (1.0, 1.0))),
    )
