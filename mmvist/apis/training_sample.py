"""A sample as the model is fed with it: frames, flags, and the damaged past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmvist.evaluation.rle import to_rle
from mmvist.models import VAEVIST
from mmvist.registry import MODELS
from mmvist.structures.hosts import unpack_clip
from mmvist.visualization import (
    display_scale,
    draw_instances,
    draw_remembered,
    side_by_side,
    with_header,
)
from mmvist.visualization.draw import enlarge
from mmvist.visualization.labels import Rectangle

PANEL = 384
"""Width in pixels towards which the frames of a sample are enlarged."""


@dataclass
class Damage:
    """What a model does to the past of a sample before it trains on it."""

    model: VAEVIST

    @classmethod
    def of_model(cls, config: ConfigDict) -> Damage | None:
        """That of a ``VAEVIST``; None for a model without."""
        # a model of the host that is named without its scope is not found here
        kind = config.type if isinstance(config.type, type) else MODELS.get(config.type)
        if kind is None or not issubclass(kind, VAEVIST):
            return None
        return cls(MODELS.build(config))

    def panel(self, packed: dict[str, Any]) -> tuple[str, np.ndarray]:
        """Lambda_{t-1} in grey with the boxes b_{t-1}, and its caption."""
        data = self.model.data_preprocessor(pseudo_collate([packed]), True)
        clip = unpack_clip(data['inputs'], data['data_samples'])
        known = self.model.training_samples.known(clip)[0]
        height, width = clip.data_samples[0].img_shape[:2]
        grey = known.combined_mask[0, :height, :width].cpu().numpy()
        scale = display_scale(width, PANEL)
        grey = np.rint(255 * grey).astype(np.uint8)
        grey = cv2.resize(
            grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST
        )
        picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        ids = known.ids.tolist()
        boxes = known.boxes[: len(ids)] * scale
        draw_remembered(picture, boxes, ids, [str(one) for one in ids])
        return 'Lambda and boxes of t-1, damaged', picture


def sample_picture(
    packed: dict[str, Any],
    name: str,
    class_names: Sequence[str],
    damage: Damage | None = None,
) -> np.ndarray:
    """Draw one sample of a data set.

    Args:
        packed: What ``PackTrackInputs`` gives: ``inputs`` (T, 3, h, w) uint8 BGR
            and ``data_samples``.
        name: Of the video.
        class_names: Names by label.
        damage: Of the model that will train; draws from torch's generator.

    Returns:
        The T frames beside each other, uint8 BGR. Instances that t-1 no
        longer shows have a dashed box and their age.
    """
    frames = list(packed['data_samples'])
    panels = [
        (caption(frame, place, frames), _frame_picture(frame, image, class_names))
        for place, (frame, image) in enumerate(zip(frames, packed['inputs']))
    ]
    if damage is not None:
        panels.append(damage.panel(packed))
    return with_header(header(frames, name), side_by_side(panels))


def header(frames: Sequence[DetDataSample], name: str) -> str:
    """Of which video, how it was changed, and the flags of the sample."""
    first = frames[0].metainfo
    height, width = first['img_shape'][:2]
    words = [name, f'{width} x {height}']
    if tuple(first['ori_shape'][:2]) != (height, width):
        words[-1] += f' (of {first["ori_shape"][1]} x {first["ori_shape"][0]})'
    if first.get('flip'):
        words.append(f'flipped: {first["flip_direction"]}')
    flags = [f'{key}={first[key]}' for key in ('is_first', 'has_next') if key in first]
    return '    '.join([*words, *flags])


def caption(frame: DetDataSample, place: int, frames: Sequence[DetDataSample]) -> str:
    number = f'frame {frame.metainfo.get("frame_id")}'
    if 'is_first' not in frame or len(frames) != 3:
        return number
    title = ('t-1', 't', 't+1')[place]
    absent = (frame.is_first, False, not frame.has_next)[place]
    return f'{title}: none, a copy of t' if absent else f'{title}: {number}'


def _frame_picture(
    frame: DetDataSample, image: torch.Tensor, class_names: Sequence[str]
) -> np.ndarray:
    image = np.ascontiguousarray(image.numpy().astype(np.uint8).transpose(1, 2, 0))
    scale = display_scale(image.shape[1], PANEL)
    instances = _instances(frame)
    ages = frame.metainfo.get('instance_ages', {})
    ids = instances.instances_id.tolist()
    old = torch.tensor([ages.get(one, 0) > 0 for one in ids], dtype=torch.bool)
    taken: list[Rectangle] = []
    if not ids:
        return enlarge(image, scale)
    picture = draw_instances(image, instances[~old], class_names, scale, taken=taken)
    remembered = instances[old]
    ids = remembered.instances_id.tolist()
    texts = [f'{one}, age {ages[one]}' for one in ids]
    draw_remembered(picture, remembered.bboxes * scale, ids, texts, taken)
    return picture


def _instances(frame: DetDataSample) -> InstanceData:
    """Truth of a frame in its own pixels, masks as bool."""
    found = frame.gt_instances
    if 'bboxes' not in found:
        return _untouched(frame)
    boxes = getattr(found.bboxes, 'tensor', found.bboxes)
    instances = InstanceData(bboxes=boxes.float(), labels=found.labels)
    instances.instances_id = torch.as_tensor(found.instances_ids)
    if 'masks' in found:
        masks: BitmapMasks = found.masks
        instances.masks = masks.to_tensor(torch.bool, 'cpu')
    return instances


def _untouched(frame: DetDataSample) -> InstanceData:
    """Truth that a test pipeline did not load, brought to the size of its frame."""
    height, width = frame.img_shape[:2]
    ori_height, ori_width = frame.ori_shape[:2]
    found = [one for one in frame.metainfo.get('instances', []) if one.get('mask')]
    masks = np.zeros((len(found), height, width), dtype=bool)
    for mask, one in zip(masks, found):
        full = coco_mask.decode(to_rle(one['mask'], ori_height, ori_width))
        mask[:] = cv2.resize(full.astype(np.float32), (width, height)) > 0.5
    scale = torch.tensor([width / ori_width, height / ori_height] * 2)
    boxes = torch.tensor([one['bbox'] for one in found]).reshape(-1, 4)
    return InstanceData(
        bboxes=boxes.float() * scale,
        labels=torch.tensor([one['bbox_label'] for one in found], dtype=torch.long),
        instances_id=torch.tensor(
            [one['instance_id'] for one in found], dtype=torch.long
        ),
        masks=torch.from_numpy(masks),
    )
