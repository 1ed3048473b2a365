"""From RoI heads to masks in the pixels of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmvist.structures.crops import Crops, Region

from .sampling import variance

# how far rounding may carry a probability that is computed in another order
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Segments:
    """Masks of M instances, in original pixels.

    Attributes:
        boxes: (M, 4) xyxy.
        masks: Bool, where the probability reaches the threshold.
        probs: In half precision, the mean over the draws of z.
        variances: In half precision, of more than one draw.
    """

    boxes: Tensor
    masks: Crops
    probs: Crops
    variances: Crops | None

    def scores(self) -> Tensor:
        """How sure each mask is of its own pixels: their mean probability, (M,).

        0 of an empty mask.
        """
        found = self.boxes.new_zeros(len(self.boxes))
        both = zip(self.masks.values, self.probs.values, strict=True)
        for row, (mask, prob) in enumerate(both):
            found[row] = (prob.float() * mask).sum() / mask.sum().clamp(min=1)
        return found


def segment(
    heads: Sequence[tuple[nn.Module, Sequence[Tensor]]],
    boxes: Tensor,  # (M, 4) xyxy, network pixels
    labels: Tensor,  # (M,)
    metainfo: dict,
) -> Segments:
    """Masks of boxes for their labels by FCN mask heads.

    The masks are those of the host's ``predict_mask``; beyond it they are told with
    their probabilities, and for the mean over some draws of z, and take the memory
    of their boxes instead of a picture each.

    Args:
        heads: RoI heads and the maps that each reads, the first of them (S, C, h_s,
            w_s) of S draws, or (1, C, h_s, w_s) of none; what they say is averaged. The
            threshold is that of the first.
        boxes: Boxes.
        labels: Their classes.
        metainfo: ``ori_shape`` and ``scale_factor``.
    """
    scale = boxes.new_tensor(metainfo['scale_factor']).repeat(2).float()
    said = [_mask_probs(head, features, boxes, labels) for head, features in heads]
    drawn = sum(said) / len(said)
    threshold = heads[0][0].test_cfg.mask_thr_binary
    return paste_all(drawn, boxes.float() / scale, metainfo['ori_shape'], threshold)


def paste_all(
    probs: Tensor,  # (M, S, h, w), S draws of each mask over its box
    boxes: Tensor,  # (M, 4) xyxy
    size: tuple[int, int],
    threshold: float,
) -> Segments:
    """Bring masks to the pixels of a picture; see :func:`paste`."""
    size = tuple(size[:2])
    masks, means, spreads, regions = [], [], [], []
    for drawn, box in zip(probs, boxes.tolist(), strict=True):
        pasted, region = paste(drawn, box, size)
        mean = pasted[0] if len(drawn) == 1 else pasted.mean(dim=0)
        mean = _settle(mean, threshold, drawn, box, region)
        masks.append(mean >= threshold)
        means.append(mean.half())
        if len(drawn) > 1:
            spreads.append(variance(pasted).half())
        regions.append(region)
    return Segments(
        boxes,
        Crops(masks, regions, size),
        Crops(means, regions, size),
        Crops(spreads, regions, size) if probs.shape[1] > 1 else None,
    )


def paste(
    probs: Tensor,  # (S, h, w) over the box
    box: Sequence[float],  # x1, y1, x2, y2
    size: tuple[int, int],
) -> tuple[Tensor, Region]:
    """Resize by bilinear interpolation to the pixels that the box touches.

    As the host's paste does by ``grid_sample``, one axis after the other: half the
    time, and the same up to rounding. A box without extent is taken for a tiny one.

    Returns:
        (S, rows, columns) and where these lie.
    """
    x1, y1, x2, y2 = (float(side) for side in box)
    rows, columns = _touched(y1, y2, size[0]), _touched(x1, x2, size[1])
    down = _between(probs, _places(rows, y1, y2, probs), dim=1)
    return _between(down, _places(columns, x1, x2, probs), dim=2), (rows, columns)


def _touched(low: float, high: float, side: int) -> slice:
    start = min(max(math.floor(low) - 1, 0), side)
    return slice(start, max(start, min(math.ceil(high) + 1, side)))


def _places(pixels: slice, low: float, high: float, like: Tensor) -> Tensor:
    """Of the centres of pixels between two sides, 0 at the first, 1 at the second."""
    kind = dict(dtype=like.dtype, device=like.device)
    centres = torch.arange(pixels.start, pixels.stop, **kind)
    # in the precision of the host's, which subtracts tensors
    low, high = (torch.tensor(side, **kind) for side in (low, high))
    return (centres + 0.5 - low) / (high - low).clamp(min=1e-6)


def _between(values: Tensor, places: Tensor, dim: int) -> Tensor:
    """Linear interpolation between the cells of an axis; beyond them is zero."""
    cells = values.shape[dim]
    centre = places * cells - 0.5
    first = centre.floor()
    second_part = centre - first
    shape = [1] * values.dim()
    shape[dim] = -1
    total = None
    for cell, part in ((first, 1 - second_part), (first + 1, second_part)):
        part = torch.where((cell >= 0) & (cell < cells), part, 0.0).view(shape)
        found = values.index_select(dim, cell.clamp(0, cells - 1).long())
        total = found * part if total is None else total.addcmul_(found, part)
    return total


def _settle(
    mean: Tensor,  # (rows, columns)
    threshold: float,
    probs: Tensor,  # (S, h, w)
    box: Sequence[float],
    region: Region,
) -> Tensor:
    """Compute anew, as the host does, what rounding alone puts above or below."""
    near = ((mean - threshold).abs() < _ROUNDING).nonzero()
    if not len(near):
        return mean
    down = _places(region[0], box[1], box[3], mean)[near[:, 0]]
    across = _places(region[1], box[0], box[2], mean)[near[:, 1]]
    grid = torch.stack([across, down], dim=1) * 2 - 1
    exact = F.grid_sample(
        probs[:, None], grid.expand(len(probs), 1, -1, 2), align_corners=False
    )
    mean[near[:, 0], near[:, 1]] = exact[:, 0, 0].mean(dim=0)
    return mean


def _mask_probs(
    roi_head: nn.Module,
    features: Sequence[Tensor],
    boxes: Tensor,
    labels: Tensor,
) -> Tensor:
    """Mask of each box for its label in each draw, (M, S, h, w)."""
    draws = len(features[0])
    if not len(boxes):
        return features[0].new_zeros(0, draws, 1, 1)
    rois = bbox2roi([boxes] * draws)
    extractor = roi_head.mask_roi_extractor
    if not hasattr(extractor, 'map_roi_levels'):
        # those that have it take boxes to the precision of each map themselves
        rois = rois.to(features[0].dtype)
    crops = extractor(features[: extractor.num_inputs], rois)
    if roi_head.with_shared_head:
        crops = roi_head.shared_head(crops)
    # the layout in which many small maps are convolved fastest
    crops = crops.contiguous(memory_format=torch.channels_last)
    logits = roi_head.mask_head(crops)
    logits = logits.reshape(draws, len(boxes), *logits.shape[1:])
    if roi_head.mask_head.class_agnostic:
        labels = torch.zeros_like(labels)
    rows = torch.arange(len(boxes), device=boxes.device)
    return logits[:, rows, labels].transpose(0, 1).float().sigmoid()
