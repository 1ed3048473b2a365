"""Actors and props to pixels: an outline for masks, colours for frames."""

from collections.abc import Sequence

import numpy as np

from mmvist.datasets.synthetic.actors import Part

Window = tuple[slice, slice]


def window_of(
    extent: tuple[float, float, float, float], height: int, width: int
) -> tuple[Window, np.ndarray, np.ndarray] | None:
    """The part of the frame that an extent covers.

    Args:
        extent: (x1, y1, x2, y2) in image pixels.
        height: Of the frame.
        width: Of the frame.

    Returns:
        Row and column slices, and the pixel centres x (1, w) and y (h, 1); None
        outside of the frame.
    """
    left, right = max(int(extent[0] // 1), 0), min(int(extent[2] // 1) + 1, width)
    top, bottom = max(int(extent[1] // 1), 0), min(int(extent[3] // 1) + 1, height)
    if left >= right or top >= bottom:
        return None
    x = (np.arange(left, right) + 0.5)[None, :]
    y = (np.arange(top, bottom) + 0.5)[:, None]
    return (slice(top, bottom), slice(left, right)), x, y


def outline(parts: Sequence[Part], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance (h, w) to the union of the parts; the mask is where <= 0."""
    union = None
    for part in parts:
        if not part.inner:
            distance = part.distance(x, y)
            union = distance if union is None else np.minimum(union, distance)
    return union


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
        mine = np.minimum(np.maximum(0.5 - distance, 0), 1)
        if part.inner:
            mine = np.minimum(mine, cover)
            after = cover
        else:
            union = np.minimum(union, distance)
            after = np.maximum(cover, mine)
        share = (mine / np.maximum(after, 1e-6))[..., None]
        # a little darker towards the lower rim of each part: it looks round
        tone = 1 + part.grain * speckle
        own = np.asarray(part.colour)[None, None, :] * tone[..., None]
        colour = colour * (1 - share) + own * share
        cover = after
    rim = np.minimum(np.maximum(union + 1.6, 0), 1)
    colour = colour * (1 - 0.45 * rim)[..., None]
    return cover, np.minimum(np.maximum(colour, 0), 1)


def blend(
    frame: np.ndarray, window: Window, cover: np.ndarray, colour: np.ndarray
) -> None:
    """Lay an object over a frame (H, W, 3) in place."""
    under = frame[window]
    frame[window] = under * (1 - cover[..., None]) + colour * cover[..., None]
