"""One pixel, one instance: what every result of a frame is brought to."""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils
from torch import Tensor

from .masks import disjoint_masks

Rle = dict
"""COCO's compressed run-length code: ``size`` (height, width) and ``counts``."""


def exclusive_instances(instances: InstanceData) -> InstanceData:
    """Give every identity and every pixel to one instance, the best score first.

    For trackers that promise neither. It belongs after the tracking: what the
    tracker remembers stays as it is.

    Args:
        instances: ``instances_id`` (N,), ``scores`` (N,), ``masks`` (N, H, W) bool,
            and whatever else there is for each instance.

    Returns:
        Those of the N instances, in their order, that are the best of their
        identity and still have a pixel.

    Example:
        >>> masks = torch.tensor([[[1, 1, 0]], [[0, 1, 1]]], dtype=torch.bool)
        >>> found = InstanceData(
        ...     instances_id=torch.tensor([4, 5]),
        ...     scores=torch.tensor([0.5, 0.9]), masks=masks)
        >>> exclusive_instances(found).masks.int().tolist()
        [[[1, 0, 0]], [[0, 1, 1]]]
    """
    seen: set[int] = set()
    kept = torch.zeros(len(instances.scores), dtype=torch.bool)
    ids = instances.instances_id.tolist()
    for row in torch.argsort(instances.scores, descending=True, stable=True).tolist():
        kept[row] = ids[row] not in seen
        seen.add(ids[row])
    best = instances[kept]
    best.masks = disjoint_masks(best.masks, best.scores)
    return best[best.masks.flatten(1).any(dim=1).cpu()]


def pack_masks(masks: Tensor) -> list[Rle]:
    """(N, H, W) bool to N run-length codes, some hundred bytes each."""
    array = masks.cpu().numpy().astype(np.uint8)
    return [mask_utils.encode(np.asfortranarray(mask)) for mask in array]


def unpack_masks(rles: list[Rle], size: tuple[int, int]) -> Tensor:
    """N run-length codes to (N, H, W) bool on the CPU; ``size`` is (H, W)."""
    masks = torch.zeros(len(rles), *size, dtype=torch.bool)
    for mask, rle in zip(masks, rles, strict=True):
        mask.copy_(torch.from_numpy(mask_utils.decode(rle)))
    return masks
