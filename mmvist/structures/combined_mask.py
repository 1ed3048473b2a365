"""Lambda_{t-1}: the instance masks of a frame as one image (paper, section 4.1).

The paper says "weighted instance masks in different categories": a pixel
carries the grey level of its class. Training damages the masks, since those
of test time are the model's own.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .crops import Crops

WEIGHTS = ('class', 'binary', 'score')


def combined_mask(
    masks: Tensor | Crops,  # (M, H, W) bool or in [0, 1]
    labels: Tensor,  # (M,)
    num_classes: int,
    weights: str = 'class',
    scores: Tensor | None = None,  # (M,), for weights='score'
) -> Tensor:
    """Paint masks into one image, large ones first.

    Args:
        masks: Instance masks of one frame.
        labels: Their classes, from 0.
        num_classes: C.
        weights: ``'class'`` gives class c the value (c + 1) / C,
            ``'binary'`` 1, ``'score'`` the score of the instance.
        scores: Scores of the instances.

    Returns:
        Lambda, (1, H, W) float in [0, 1]; 0 is background.

    Raises:
        ValueError: ``weights`` is unknown, or ``'score'`` without scores.
    """
    if weights not in WEIGHTS:
        raise ValueError(f'weights is one of {WEIGHTS}, got {weights!r}')
    if weights == 'class':
        values = (labels.float() + 1) / num_classes
    elif weights == 'binary':
        values = torch.ones_like(labels, dtype=torch.float)
    else:
        if scores is None:
            raise ValueError("weights='score' needs scores")
        values = scores.float()
    crops = masks if isinstance(masks, Crops) else Crops.whole(masks)
    canvas = torch.zeros(crops.size, device=labels.device)
    for row in torch.argsort(crops.areas(), descending=True, stable=True).tolist():
        canvas[crops.regions[row]].masked_fill_(crops.values[row] > 0.5, values[row])
    return canvas[None]


def damage_masks(
    masks: Tensor,  # (M, H, W) in [0, 1]
    boxes: Tensor,  # (M, 4) xyxy, the same pixels
    shift: float = 0.05,
    scale: float = 0.025,
    rotate: float = 3.0,
) -> Tensor:
    """Move each mask by a random similarity about its box's centre.

    Args:
        masks: Instance masks.
        boxes: Their boxes.
        shift: Largest shift, in box sides.
        scale: Largest relative change of size.
        rotate: Largest rotation, in degrees.

    Returns:
        Masks (M, H, W) bool.
    """
    count, height, width = masks.shape
    if count == 0:
        return masks.bool()
    draw = torch.rand(4, count).to(boxes.device, torch.float32) * 2 - 1
    boxes = boxes.float()
    sides = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, 2:] + boxes[:, :2]) / 2
    offset = draw[:2].T * shift * sides
    angle = draw[2] * math.radians(rotate)
    zoom = 1 / (1 + draw[3] * scale)
    # affine_grid maps output to input, both in [-1, 1]; work in pixels and
    # convert, since the two axes have different units.
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    linear = torch.stack([cos, sin, -sin, cos], dim=1).view(-1, 2, 2)
    half = boxes.new_tensor([width / 2, height / 2])
    # a sum and no product of matrices, which autocast would round to half
    constant = centre - (linear * (centre + offset)[:, None]).sum(dim=-1)
    ratio = half[None, :] / half[:, None]
    theta_linear = linear * ratio
    theta_constant = ((linear * half).sum(dim=-1) + constant - half) / half
    theta = torch.cat([theta_linear, theta_constant[:, :, None]], dim=2)
    with torch.autocast(boxes.device.type, enabled=False):  # nor does the grid's
        grid = F.affine_grid(theta, (count, 1, height, width), align_corners=False)
        moved = F.grid_sample(masks[:, None].float(), grid, align_corners=False)
    return moved[:, 0] > 0.5


def jitter_boxes(boxes: Tensor, centre: float = 0.1, size: float = 0.1) -> Tensor:
    """Move centres and sides of (M, 4) xyxy boxes by random parts of the sides.

    Args:
        boxes: Boxes.
        centre: Largest shift, in box sides.
        size: Largest relative change of each side.

    Returns:
        Boxes (M, 4).
    """
    draw = torch.rand(2, len(boxes), 2).to(boxes) * 2 - 1
    sides = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2 + draw[0] * centre * sides
    half = sides * (1 + draw[1] * size) / 2
    return torch.cat([middle - half, middle + half], dim=1)
