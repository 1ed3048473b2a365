"""Marks of what went wrong: arrows at what was missed, plates at switches."""

from __future__ import annotations

import cv2
import numpy as np

from .draw import extent_of
from .labels import Rectangle, overlap, put_plate

RED = (40, 40, 230)
"""BGR of all marks; no identity has it."""


def mark_missed(picture: np.ndarray, shape: np.ndarray, taken: list[Rectangle]) -> None:
    """Point at an object with a red arrow.

    The arrow comes from above, else from the left, the right or below: from where
    all of it is inside the picture and upon no label.

    Args:
        picture: (H, W, 3) uint8 BGR, changed in place.
        shape: (H, W) bool, where the object is; not empty.
        taken: Where labels are; the arrow is added to them.
    """
    tail, tip = arrow_of(shape, taken)
    length = max(abs(tip[0] - tail[0]), abs(tip[1] - tail[1]), 1)
    thick = max(2, picture.shape[1] // 200)
    for color, width in (((255, 255, 255), thick + 4), (RED, thick)):
        head = min(0.9, 5.0 * thick / length)
        cv2.arrowedLine(picture, tail, tip, color, width, cv2.LINE_AA, tipLength=head)
    taken.append(_around(tail, tip, 2 * thick))


def arrow_of(
    shape: np.ndarray, taken: list[Rectangle]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Tail and tip, both (x, y) inside of the picture, the tip at the object."""
    height, width = shape.shape
    x1, y1, x2, y2 = extent_of(shape)
    middle = (x1 + x2) // 2, (y1 + y2) // 2
    length = max(12, width // 14)
    edge = 6 * max(2, width // 200)
    arrows = []
    for near, (dx, dy) in (
        ((middle[0], y1), (0, -1)),
        ((x1, middle[1]), (-1, 0)),
        ((x2 - 1, middle[1]), (1, 0)),
        ((middle[0], y2 - 1), (0, 1)),
    ):
        # its head needs room beside an object that leaves the picture
        tip = _inside(_nearest(shape, near), shape.shape, edge)
        arrows.append(((tip[0] + dx * length, tip[1] + dy * length), tip))
    inside = [
        (tail, tip) for tail, tip in arrows if tail == _inside(tail, shape.shape, edge)
    ]
    free = [
        (tail, tip)
        for tail, tip in inside
        if not any(overlap(_around(tail, tip, edge // 2), other) for other in taken)
    ]
    if free or inside:
        return (free or inside)[0]
    # an object as large as the picture: from its middle, over the object itself
    tip = _inside(_nearest(shape, middle), shape.shape, edge)
    tail = tip[0], tip[1] + (length if tip[1] < height / 2 else -length)
    return _inside(tail, shape.shape, edge), tip


def mark_switch(
    picture: np.ndarray,
    shape: np.ndarray,
    before: int,
    now: int,
    taken: list[Rectangle],
) -> None:
    """Write ``3 → 5`` at an object whose identity was 3.

    Args:
        picture: (H, W, 3) uint8 BGR, changed in place.
        shape: (H, W) bool, where the object is; not empty.
        before: The number that it had.
        now: The number that it has.
        taken: Where labels are; the plate is added to them.
    """
    text = f'{before} \N{RIGHTWARDS ARROW} {now}'
    put_plate(picture, text, extent_of(shape), RED, taken, below=True)


def _inside(
    point: tuple[int, int], size: tuple[int, int], edge: int
) -> tuple[int, int]:
    """The point (x, y) brought ``edge`` pixels inside of (height, width)."""
    (x, y), (height, width) = point, size
    edge = min(edge, height // 3, width // 3)
    return min(max(x, edge), width - 1 - edge), min(max(y, edge), height - 1 - edge)


def _nearest(shape: np.ndarray, point: tuple[int, int]) -> tuple[int, int]:
    """The pixel of an object that is nearest to (x, y)."""
    rows, columns = shape.nonzero()
    best = ((columns - point[0]) ** 2 + (rows - point[1]) ** 2).argmin()
    return int(columns[best]), int(rows[best])


def _around(a: tuple[int, int], b: tuple[int, int], edge: int) -> Rectangle:
    (x1, x2), (y1, y2) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return x1 - edge, y1 - edge, x2 + edge, y2 + edge
