"""Masks of one frame: made disjoint, and compared.

Letters: N, M number of masks; H, W height and width in whatever pixels the
caller uses (the functions do not scale anything).
"""

import torch
from torch import Tensor

# Elements of a temporary tensor at a time: bounds the memory of both functions.
_CHUNK_ELEMENTS = 1 << 24


def disjoint_masks(
    masks: Tensor,  # (N, H, W) bool
    scores: Tensor,  # (N,)
    priority: Tensor | None = None,  # (N,), smaller goes first
    probs: Tensor | None = None,  # (N, H, W) in [0, 1]
) -> Tensor:  # (N, H, W) bool
    """Give every pixel to one mask at most: the best one that covers it.

    The best is that with the highest score, or with ``probs`` that with the highest
    product of score and probability in this pixel: of two objects of which one stands
    before the other, each then keeps what it is surer of, where by the score alone one
    of them gets all. Ties go to the mask with the higher score, then with the lower
    index, so the same input always gives the same output.

    Args:
        masks: Binary masks, (N, H, W), bool.
        scores: One score for each mask, (N,).
        priority: Rank of each mask, (N,), the smallest first, such as the kind
            of box (0 matched, 1 propagated, 2 new), which decides before the scores.
            None: all alike.
        probs: How sure each mask is of each pixel, (N, H, W), any floating dtype.
            None: equally of all.

    Returns:
        Masks, (N, H, W), bool, in the order of the input: each a subset of its
        input, no two overlapping, their union that of the input. A mask may
        come back empty.

    Raises:
        TypeError: If ``masks`` is not a bool tensor.
        ValueError: If ``masks`` is not (N, H, W), or the numbers differ.

    Examples:
        >>> masks = torch.tensor([[[1, 1, 0]], [[0, 1, 1]]], dtype=torch.bool)
        >>> disjoint_masks(masks, torch.tensor([0.5, 0.9])).int().tolist()
        [[[1, 0, 0]], [[0, 1, 1]]]
        >>> probs = torch.tensor([[[1.0, 1.0, 0.0]], [[0.0, 0.5, 1.0]]])
        >>> disjoint_masks(masks, torch.tensor([0.5, 0.9]), probs=probs).int().tolist()
        [[[1, 1, 0]], [[0, 0, 1]]]
    """
    _check_masks(masks)
    num = len(masks)
    for name, values in (('scores', scores), ('priority', priority)):
        if values is not None and values.shape != (num,):
            raise ValueError(
                f'{name} must have shape ({num},) as there are {num} masks, '
                f'got {tuple(values.shape)}'
            )
    if probs is not None and probs.shape != masks.shape:
        raise ValueError(
            f'probs must have the shape of masks, {tuple(masks.shape)}, '
            f'got {tuple(probs.shape)}'
        )
    if masks.numel() == 0:
        return masks.clone()

    # in this order the first of equal maxima, which argmax gives, is the right one
    order = torch.argsort(scores, descending=True, stable=True).to(masks.device)
    scores = scores.to(masks.device, torch.float32)[order, None]
    covering = masks.sum(dim=0)
    disjoint = masks & (covering == 1)
    for pixels in (covering > 1).nonzero().split(max(1, _CHUNK_ELEMENTS // num)):
        rows, columns = pixels.T
        claims = masks[:, rows, columns][order]
        if priority is not None:
            ranks = priority.to(masks.device, torch.float32)[order, None]
            first = torch.where(claims, ranks, torch.inf).min(dim=0).values
            claims &= ranks == first
        worth = scores if probs is None else scores * probs[:, rows, columns][order]
        owner = torch.where(claims, worth, -torch.inf).argmax(dim=0)
        disjoint[order[owner], rows, columns] = True
    return disjoint


def mask_iou(
    masks1: Tensor,  # (N, H, W) bool
    masks2: Tensor,  # (M, H, W) bool
) -> Tensor:  # (N, M) float32
    """Intersection over union of every pair of masks.

    Intersections are counted exactly (a matrix product over slices of pixels,
    summed as integers), with autocast switched off.

    Args:
        masks1: Binary masks, (N, H, W), bool.
        masks2: Binary masks, (M, H, W), bool, of the same size.

    Returns:
        IoU in [0, 1], (N, M), float32; 0 where both masks are empty.

    Raises:
        TypeError: If a tensor is not bool.
        ValueError: If a tensor is not 3-D or the sizes differ.

    Examples:
        >>> masks = torch.tensor([[[1, 1, 0]], [[0, 1, 1]]], dtype=torch.bool)
        >>> mask_iou(masks, masks[:1]).flatten().tolist()
        [1.0, 0.3333333432674408]
    """
    _check_masks(masks1)
    _check_masks(masks2)
    if masks1.shape[1:] != masks2.shape[1:]:
        raise ValueError(
            f'masks differ in size: {tuple(masks1.shape[1:])} and '
            f'{tuple(masks2.shape[1:])}'
        )
    flat1, flat2 = masks1.flatten(1), masks2.flatten(1)
    inter = torch.zeros(len(flat1), len(flat2), dtype=torch.int64, device=masks1.device)
    # float32 counts exactly up to 2 ** 24, more than a slice has pixels
    pixels = max(1, _CHUNK_ELEMENTS // max(1, len(flat1) + len(flat2)))
    with torch.autocast(masks1.device.type, enabled=False):
        for start in range(0, flat1.shape[1], pixels):
            part1 = flat1[:, start : start + pixels].float()
            part2 = flat2[:, start : start + pixels].float()
            inter += (part1 @ part2.T).long()
    union = flat1.sum(1)[:, None] + flat2.sum(1)[None] - inter
    return inter.float() / union.clamp(min=1).float()


def _check_masks(masks: Tensor) -> None:
    if masks.dtype != torch.bool:
        raise TypeError(f'masks must be bool, got {masks.dtype}')
    if masks.dim() != 3:
        raise ValueError(f'masks must be (N, H, W), got {tuple(masks.shape)}')
