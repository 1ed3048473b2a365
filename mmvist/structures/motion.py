"""Where an object goes that cannot be seen.

The last box of an object that something hides is a sliver, and moves at half the
speed: one edge is that of the occluder. So a track remembers how large it was and how
it moved while it was whole, and is looked for as that.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

WHOLE = 0.95
"""From this share of its size on an object counts as whole, along each axis."""
SHRINK = 0.99
"""A size that is not seen again is given up at this rate a frame that shows less."""
STILL = 0.1
"""A velocity under this share of the size says nothing of where the rest is."""


@dataclass
class Motion:
    """Size and velocity of M objects.

    Attributes:
        sizes: (M, 2) width and height while whole, pixels.
        velocities: (M, 2) of the centre while whole, pixels a frame; NaN where it has
            not been seen twice in a row.
    """

    sizes: Tensor
    velocities: Tensor

    @classmethod
    def start(cls, boxes: Tensor) -> Motion:
        """Of objects that are seen for the first time, boxes (M, 4) xyxy."""
        return cls(_sizes(boxes), torch.full_like(boxes[:, :2], float('nan')))

    def __getitem__(self, rows: Tensor) -> Motion:
        return Motion(self.sizes[rows], self.velocities[rows])

    @staticmethod
    def cat(parts: list[Motion]) -> Motion:
        """Stack tables."""
        return Motion(
            torch.cat([part.sizes for part in parts]),
            torch.cat([part.velocities for part in parts]),
        )

    def seen(
        self,
        boxes: Tensor,  # (M, 4) xyxy, this frame
        before: Tensor,  # (M, 4) the frame before
        adjacent: Tensor,  # (M,) bool: it was seen in the frame before
    ) -> Motion:
        """After a frame in which the objects are seen."""
        now = _sizes(boxes)
        sizes = torch.maximum(now, SHRINK * self.sizes)
        shift = _centres(boxes) - _centres(before)
        fresh = self.velocities.isnan()
        smooth = torch.where(fresh, shift, (self.velocities + shift) / 2)
        # the first movement that is seen is better than none
        whole = torch.minimum(now, _sizes(before)) >= WHOLE * sizes
        told = adjacent[:, None] & (whole | fresh)
        return Motion(sizes, torch.where(told, smooth, self.velocities))

    def whole(self, boxes: Tensor) -> Tensor:
        """Boxes of the whole objects, (M, 4), from what was seen of them last.

        What is hidden of an object that moves lies ahead: it goes behind something,
        or out of the frame, with its front. Of one that stands still, in front of
        which something else has moved, the box stays as it is.
        """
        now, known = _sizes(boxes), self.known()
        moves = known.abs() > STILL * self.sizes
        hidden = torch.where(
            moves & (now < WHOLE * self.sizes), self.sizes - now, torch.zeros_like(now)
        )
        return torch.cat(
            [boxes[:, :2] - hidden * (known < 0), boxes[:, 2:] + hidden * (known > 0)],
            dim=1,
        )

    def known(self) -> Tensor:
        """Velocities, 0 where there is none, (M, 2)."""
        return self.velocities.nan_to_num(nan=0.0)


def move_on(
    boxes: Tensor,  # (M, 4) xyxy
    shifts: Tensor,  # (M, 2) pixels
    img_shape: tuple[int, int],  # (height, width)
) -> Tensor:
    """Shift boxes; a centre stays in the image, where it would come back."""
    height, width = img_shape
    centres = _centres(boxes)
    limit = boxes.new_tensor([width, height])
    targets = torch.minimum((centres + shifts).clamp(min=0), limit)
    return boxes + (targets - centres).repeat(1, 2)


def _centres(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _sizes(boxes: Tensor) -> Tensor:
    return boxes[:, 2:] - boxes[:, :2]
