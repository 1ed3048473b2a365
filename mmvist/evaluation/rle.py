"""Masks as run-length codes (COCO's compressed RLE, counts as text).

A metric keeps a whole test set in memory; as RLE an instance takes some
hundred bytes instead of a frame's worth of pixels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pycocotools import mask as mask_utils

Rle = dict[str, Any]  # {'size': [height, width], 'counts': str}


def encode_masks(masks: Any) -> list[Rle]:
    """Encode the masks of one frame.

    Args:
        masks: (N, H, W) bool or 0/1 tensor or array, an object with such an
            array as ``masks`` (MMDetection's ``BitmapMasks``), or a list of N
            RLE dicts, which only has its counts turned into text.

    Returns:
        N compressed RLEs with ``counts`` as str.
    """
    if isinstance(masks, (list, tuple)):
        return [as_text(rle) for rle in masks]
    masks = getattr(masks, 'masks', masks)
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    if masks.ndim != 3:
        raise ValueError(f'masks must be (N, H, W), got {masks.shape}')
    return [encode_mask(mask) for mask in masks]


def encode_mask(mask: np.ndarray) -> Rle:
    """Encode one (H, W) mask; whatever is not 0 belongs to it."""
    return as_text(mask_utils.encode(np.asfortranarray(mask != 0, dtype=np.uint8)))


def as_text(rle: Rle) -> Rle:
    """The same RLE with ``counts`` as str, which JSON can hold."""
    counts = rle['counts']
    if isinstance(counts, bytes):
        counts = counts.decode()
    return {'size': [int(side) for side in rle['size']], 'counts': counts}


def to_rle(segmentation: Any, height: int, width: int) -> Rle:
    """RLE of a COCO segmentation: polygons, uncompressed or compressed RLE."""
    if isinstance(segmentation, list):
        parts = mask_utils.frPyObjects(segmentation, height, width)
        return as_text(mask_utils.merge(parts))
    if isinstance(segmentation['counts'], list):
        return as_text(mask_utils.frPyObjects(segmentation, height, width))
    return as_text(segmentation)


def merge_rles(rles: Sequence[Rle]) -> Rle:
    """Union; of nothing, an RLE of size 0 x 0 that overlaps nothing."""
    return as_text(mask_utils.merge(list(rles), intersect=False))


def first_by_score(
    ids: np.ndarray,  # (N,)
    scores: np.ndarray,  # (N,)
) -> np.ndarray:
    """Indices, ascending, that keep the best-scored instance of every id."""
    order = np.argsort(-scores, kind='stable')
    _, first = np.unique(ids[order], return_index=True)
    return np.sort(order[first])


def disjoint_rles(rles: Sequence[Rle], scores: np.ndarray) -> tuple[list[Rle], int]:
    """Make the masks of one frame disjoint, the best score first.

    The same rule as :func:`mmvist.structures.masks.disjoint_masks`, one mask
    decoded at a time and only where there is an overlap at all.

    Args:
        rles: N masks of one size.
        scores: (N,).

    Returns:
        The N masks, in the order of the input, and how many pixels were taken
        from them altogether.
    """
    rles = list(rles)
    overlap = int(sum(mask_utils.area(rles))) if rles else 0
    if overlap:
        overlap -= int(mask_utils.area(merge_rles(rles)))
    if not overlap:
        return rles, 0
    taken = np.zeros(rles[0]['size'], dtype=bool)
    for index in np.argsort(-scores, kind='stable'):
        mask = mask_utils.decode(rles[index]).astype(bool)
        if (mask & taken).any():
            mask &= ~taken
            rles[index] = encode_mask(mask)
        taken |= mask
    return rles, overlap
