"""What RoIs read of a decoder's maps, so that the rest need not be computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

Window = tuple[int, int, int, int]
"""Top, left, bottom and right of some cells of a map, the last two exclusive."""
STRIDE = 4
"""Of the finest map, where most of the time goes and most RoIs read."""
GRID = 4
"""Cells. Windows are rounded to multiples of this: a CPU's convolutions are compiled
for each size, and few sizes are soon known."""


@dataclass(frozen=True)
class Reach:
    """Parts of the maps of strides 4, 8, 16, 32.

    Attributes:
        window: Cells of stride 4.
        levels: Which maps are read at all, 0 for stride 4.
    """

    window: Window
    levels: frozenset[int]

    def covers(self, other: Reach) -> bool:
        """Whether all that ``other`` reads is in here."""
        if not other.levels:
            return True
        (top, left, bottom, right), inner = self.window, other.window
        rows = top <= inner[0] and inner[2] <= bottom
        columns = left <= inner[1] and inner[3] <= right
        return rows and columns and other.levels <= self.levels

    def rounded(self, size: tuple[int, int]) -> Reach:
        """With a window that ends at the grid, in a map of ``size``."""
        top, left, bottom, right = self.window
        rounded = (
            top // GRID * GRID,
            left // GRID * GRID,
            min(-(-bottom // GRID) * GRID, size[0]),
            min(-(-right // GRID) * GRID, size[1]),
        )
        return Reach(rounded, self.levels)


def reach_of(
    boxes: Tensor,  # (M, 4) xyxy, network pixels
    size: tuple[int, int],
    levels: frozenset[int],
) -> Reach:
    """Where RoIAlign reads for some boxes.

    Args:
        boxes: The boxes; of none, a single cell.
        size: (h, w) of the map of stride 4.
        levels: Of :func:`levels_of`.
    """
    if not len(boxes):
        return Reach((0, 0, 1, 1), levels)
    height, width = size
    # bilinear sampling looks at one cell more
    low = (boxes[:, :2].amin(0) / STRIDE).floor().long() - 1
    high = (boxes[:, 2:].amax(0) / STRIDE).ceil().long() + 1
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    top, left = min(max(top, 0), height - 1), min(max(left, 0), width - 1)
    bottom, right = min(bottom, height), min(right, width)
    return Reach((top, left, max(bottom, top + 1), max(right, left + 1)), levels)


def levels_of(
    extractors: Sequence[nn.Module], boxes: Tensor, num_levels: int = 4
) -> frozenset[int]:
    """The maps that RoI extractors read for boxes (M, 4); all, if one reads so.

    Of no boxes, none.
    """
    if not len(boxes):
        return frozenset()
    rois, levels = bbox2roi([boxes]), set()
    for extractor in extractors:
        if not hasattr(extractor, 'map_roi_levels'):
            return frozenset(range(num_levels))
        levels |= set(extractor.map_roi_levels(rois, num_levels).tolist())
    return frozenset(levels)


def grown(window: Window, cells: int, size: tuple[int, int]) -> Window:
    """A window with some cells more on every side, inside the map."""
    top, left, bottom, right = window
    return (
        max(top - cells, 0),
        max(left - cells, 0),
        min(bottom + cells, size[0]),
        min(right + cells, size[1]),
    )


def cut(x: Tensor, seen: Window, window: Window) -> tuple[Tensor, Window]:
    """``window`` of a map of which ``x`` shows ``seen``; and that window."""
    rows = slice(window[0] - seen[0], window[2] - seen[0])
    columns = slice(window[1] - seen[1], window[3] - seen[1])
    return x[..., rows, columns], window
