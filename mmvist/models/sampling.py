"""What S draws of z say together: means, and how far the draws are apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from .augment import AugmentHead
from .roi_reach import Reach


def variance(draws: Tensor) -> Tensor:
    """Unbiased variance over the first axis; 0 of a single draw."""
    if len(draws) < 2 or not draws.numel():
        return torch.zeros_like(draws[0])
    # in two passes: many times as fast as torch.var is over a first axis
    return (draws - draws.mean(dim=0)).square_().sum(dim=0) / (len(draws) - 1)


def of_known(
    variances: Tensor,  # (T, 4) of the propagated boxes, square network pixels
    track_rows: Tensor,  # (M,) long, -1: new
    scale_factor: tuple[float, float],
) -> Tensor:
    """Those of the instances, (M, 4) square original pixels, NaN of new ones."""
    scale = variances.new_tensor(scale_factor).repeat(2)
    found = variances.new_full((len(track_rows), 4), float('nan'))
    known = track_rows >= 0
    found[known] = variances[track_rows[known]] / scale.square()
    return found


class AugmentMaps:
    """The maps of D_aug for some draws of z, decoded no farther than RoIs reach.

    Of one z they are decoded whole, once, where there are RoIs at all.

    Args:
        head: D_aug.
        z: (S, L, h, w).
        skips: E_s of the frame, s = 4, 8, 16, 32.
        features: x^Mask_s of the frame.
        frame: F_t, (1, 3, H, W).
    """

    def __init__(
        self,
        head: AugmentHead,
        z: Tensor,
        skips: Sequence[Tensor],
        features: Sequence[Tensor],
        frame: Tensor,
    ) -> None:
        self._head, self._skips = head, skips
        self._decode = partial(head, z, skips, features, frame=frame)
        self._whole = len(z) == 1
        self._maps: tuple[Tensor, ...] | None = None
        self._reach: Reach | None = None

    def around(
        self,
        boxes: Tensor,  # (M, 4) xyxy, network pixels
    ) -> tuple[Tensor, ...]:
        """Maps of :class:`AugmentHead` that are right for RoIs of these boxes."""
        reach = self._reach_of(boxes)
        if self._maps is None or not self._covered(reach):
            self._reach, self._maps = reach, self._decode(reach)
        return self._maps

    def _reach_of(self, boxes: Tensor) -> Reach | None:
        """What is to be decoded; None for all."""
        if self._whole and len(boxes):
            return None
        size = tuple(self._skips[0].shape[-2:])
        return self._head.reach_of(boxes, self._skips).rounded(size)

    def _covered(self, reach: Reach | None) -> bool:
        if self._reach is None:
            return True
        return reach is not None and self._reach.covers(reach)
