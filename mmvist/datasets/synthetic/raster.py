"""Actors and props to pixels: outlines for masks, colours for frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmvist.datasets.synthetic.actors import Part

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Shape:
    """What an object alone covers, also outside of the frame.

    Attributes:
        left: Column of the first pixel of ``inside``.
        top: Row of it.
        inside: (h, w) bool.
        width: Columns from the first to the last pixel that is set.
    """

    left: int
    top: int
    inside: np.ndarray
    width: int

    def crop(self, height: int, width: int) -> tuple[Window, np.ndarray]:
        """Where it lies in a frame, and that part of ``inside``, maybe empty."""
        h, w = self.inside.shape
        x1, y1 = max(self.left, 0), max(self.top, 0)
        x2, y2 = max(min(self.left + w, width), x1), max(min(self.top + h, height), y1)
        part = self.inside[
            y1 - self.top : y2 - self.top, x1 - self.left : x2 - self.left
        ]
        return (slice(y1, y2), slice(x1, x2)), part


def box_of(
    mask: np.ndarray, left: int = 0, top: int = 0
) -> tuple[float, float, float, float]:
    """Box (x1, y1, x2, y2) of a (h, w) mask that is not empty, moved by an offset."""
    rows = np.flatnonzero(mask.any(axis=1))
    cols = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return (
        float(left + cols[0]),
        float(top + rows[0]),
        float(left + cols[-1] + 1),
        float(top + rows[-1] + 1),
    )


def grid_of(extent: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres x (1, w) and y (h, 1) that cover (x1, y1, x2, y2)."""
    x = np.arange(int(extent[0] // 1), int(extent[2] // 1) + 1) + 0.5
    y = np.arange(int(extent[1] // 1), int(extent[3] // 1) + 1) + 0.5
    return x[None, :], y[:, None]


def silhouette(
    parts: Sequence[Part], extent: tuple[float, float, float, float]
) -> Shape:
    """Pixels whose centre lies in the union of the parts."""
    x, y = grid_of(extent)
    union = None
    for part in parts:
        if not part.inner:
            distance = part.distance(x, y)
            union = distance if union is None else np.minimum(union, distance)
    inside = union <= 0
    cols = np.flatnonzero(inside.any(axis=0))
    wide = int(cols[-1] - cols[0]) + 1 if len(cols) else 0
    return Shape(int(x[0, 0] // 1), int(y[0, 0] // 1), inside, wide)


def paint(
    parts: Sequence[Part],
    x: np.ndarray,
    y: np.ndarray,
    grain: np.ndarray,
    origin: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Colours of an object and how much of each pixel it covers.

    Args:
        parts: Back to front.
        x: Pixel centres (1, w).
        y: Pixel centres (h, 1).
        grain: (n, n) texture in [0, 1] that moves with ``origin``.
        origin: A point of the object, in image pixels.

    Returns:
        Coverage (h, w) in [0, 1], at least 0.5 exactly where the mask is set,
        and colours (h, w, 3) in [0, 1].
    """
    shape = y.shape[0], x.shape[1]
    cover, colour = np.zeros(shape), np.zeros((*shape, 3))
    union = np.full(shape, 1e3)
    side = len(grain)
    rows = (y[:, 0] - origin[1]).astype(np.int64) % side
    cols = (x[0] - origin[0]).astype(np.int64) % side
    speckle = grain[rows][:, cols] - 0.5
    for part in parts:
        distance = part.distance(x, y)
        if not part.inner:
            union = np.minimum(union, distance)
        mine = np.minimum(np.maximum(0.5 - distance, 0), 1)
        if not mine.any():
            continue
        x1, y1, x2, y2 = (int(v) for v in box_of(mine > 0))
        spot = slice(y1, y2), slice(x1, x2)
        mine, before = mine[spot], cover[spot]
        # an inner part shows only on others, an outer one adds to the whole
        mine = np.minimum(mine, before) if part.inner else mine
        after = np.maximum(before, mine)
        share = (mine / np.maximum(after, 1e-6))[..., None]
        tone = 1 + part.grain * speckle[spot]
        own = np.asarray(part.colour) * tone[..., None]
        colour[spot] = colour[spot] * (1 - share) + own * share
        cover[spot] = after
    rim = np.minimum(np.maximum(union + 1.6, 0), 1)
    colour = colour * (1 - 0.45 * rim)[..., None]
    return cover, np.minimum(np.maximum(colour, 0), 1)


def draw_object(
    frame: np.ndarray,
    parts: Sequence[Part],
    extent: tuple[float, float, float, float],
    grain: np.ndarray,
    origin: tuple[float, float],
) -> None:
    """Paint an object over a frame (H, W, 3) in place; see :func:`paint`."""
    height, width = frame.shape[:2]
    x, y = grid_of(extent)
    x, y = x[:, (x[0] > 0) & (x[0] < width)], y[(y[:, 0] > 0) & (y[:, 0] < height)]
    if not x.size or not y.size:
        return
    cover, colour = paint(parts, x, y, grain, origin)
    left, top = int(x[0, 0] // 1), int(y[0, 0] // 1)
    under = frame[top : top + y.shape[0], left : left + x.shape[1]]
    under[...] = under * (1 - cover[..., None]) + colour * cover[..., None]
