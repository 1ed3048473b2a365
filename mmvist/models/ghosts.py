"""False identities for training: a detector makes too few where it trains."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mmvist.structures.clip import KnownInstances


def with_ghosts(
    known: KnownInstances, prob: float, img_shape: tuple[int, int]
) -> KnownInstances:
    """Add copies of instances of t-1 at random places of the frame.

    Args:
        known: What is known.
        prob: Of a copy of each.
        img_shape: (height, width) in which the centre of a copy lies.

    Returns:
        All that was known, and behind it the copies, whose identities are negative.
    """
    chosen = (known.ages == 0) & (torch.rand(len(known)) < prob).to(known.ages.device)
    ghosts = known[chosen]
    if not len(ghosts):
        return known
    height, width = img_shape[:2]
    places = torch.rand(len(ghosts), 2).to(known.boxes) * known.boxes.new_tensor(
        [width, height]
    )
    centres = (ghosts.boxes[:, :2] + ghosts.boxes[:, 2:]) / 2
    # whole pixels: the mask moves with the box
    offsets = (places - centres).round()
    masks = [
        _shifted(mask, dx, dy)
        for mask, (dx, dy) in zip(ghosts.masks, offsets.long().tolist(), strict=True)
    ]
    ghosts = replace(
        ghosts,
        boxes=ghosts.boxes + offsets.repeat(1, 2),
        ids=-1 - torch.arange(len(ghosts), device=known.ids.device),
        masks=torch.stack(masks),
    )
    both = zip(vars(known).items(), vars(ghosts).values(), strict=True)
    return KnownInstances(**{key: torch.cat([old, new]) for (key, old), new in both})


def _shifted(mask: Tensor, dx: int, dy: int) -> Tensor:
    """A mask (H, W) moved; what leaves the picture is gone."""
    height, width = mask.shape
    moved = torch.zeros_like(mask)
    rows, columns = height - abs(dy), width - abs(dx)
    if rows > 0 and columns > 0:
        moved[max(dy, 0) :][:rows, max(dx, 0) :][:, :columns] = mask[max(-dy, 0) :][
            :rows, max(-dx, 0) :
        ][:, :columns]
    return moved
