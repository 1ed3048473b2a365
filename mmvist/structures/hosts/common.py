"""What the samples of both hosts have in common."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmvist.structures.clip import Frame, KnownInstances


def flat_samples(sample: TrackDataSample | DetDataSample) -> list[DetDataSample]:
    """The frames of a video, the one that there is, or none of an empty sample."""
    if not isinstance(sample, TrackDataSample):
        return [sample]
    return [sample[place] for place in range(len(sample))]


def frame_from_sample(image: Tensor, data_sample: BaseDataElement) -> Frame:
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


def known_instances(
    boxes: Tensor,  # (M, 4) xyxy, network pixels; or a box type of MMDetection
    labels: Tensor,  # (M,)
    ids: Tensor,  # (M,)
    masks: BitmapMasks,  # M, of the frame without padding or with it
    ages: dict[int, int],
    size: Sequence[int],
) -> KnownInstances:
    """Instances of a frame as the model takes them.

    Args:
        ages: Frames between t-1 and the box by identity; 0 where none is given.
        size: (H, W) of the padded input.

    Raises:
        ValueError: The masks are larger than the input.
    """
    boxes = getattr(boxes, 'tensor', boxes).float()
    stacked = torch.zeros(len(ids), *size, dtype=torch.uint8, device=boxes.device)
    if len(ids):
        bitmaps = masks.to_tensor(torch.uint8, boxes.device)
        height, width = bitmaps.shape[1:]
        if height > size[0] or width > size[1]:
            raise ValueError(
                f'masks of {height} x {width} are larger than the input of '
                f'{size[0]} x {size[1]}'
            )
        stacked[:, :height, :width] = bitmaps
    return KnownInstances(
        boxes=boxes,
        labels=labels.long(),
        ids=ids.long(),
        ages=torch.tensor([ages.get(int(one), 0) for one in ids]).long().to(ids.device),
        masks=stacked,
    )


def no_instances(size: Sequence[int], device: torch.device) -> KnownInstances:
    """What is known before a first frame of (H, W) pixels: nothing."""
    none = torch.zeros(0, dtype=torch.long, device=device)
    masks = torch.zeros(0, *size, dtype=torch.uint8, device=device)
    return KnownInstances(
        torch.zeros(0, 4, device=device), none, none.clone(), none.clone(), masks
    )
