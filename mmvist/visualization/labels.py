"""Plates with a class and an identity, none upon another."""

from __future__ import annotations

import cv2
import numpy as np

from .palette import Color, text_color
from .text import put_text, text_size

Rectangle = tuple[int, int, int, int]  # x1, y1, x2, y2


def font_size(picture: np.ndarray) -> int:
    """Pixels an em of what is written onto a picture."""
    return max(11, round(picture.shape[1] / 48))


def put_plate(
    picture: np.ndarray,
    text: str,
    extent: Rectangle,
    color: Color,
    taken: list[Rectangle],
    below: bool = False,
) -> None:
    """Write onto a plate near an object, where no other plate is.

    Args:
        picture: (H, W, 3) uint8 BGR, changed in place.
        text: One line.
        extent: Of the object, ends exclusive; the plate goes above it, else to
            another of its edges.
        color: Of the plate, BGR.
        taken: Plates so far; this one is added.
        below: Look for room under the object first.
    """
    height, width = picture.shape[:2]
    size = font_size(picture)
    pad = size // 4
    text_width, text_height = text_size(text, size)
    w, h = text_width + 2 * pad, text_height
    left, top, right, bottom = extent
    x = int(np.clip((left + right - 1 - w) // 2, 0, max(width - w, 0)))
    wishes = [top - h - 2, top + 3, bottom + 2, top - 2 * h - 4]
    if below:
        wishes = [bottom + 2, bottom - h - 3, *wishes]
    spots = [(x, int(y), x + w, int(y) + h) for y in wishes]
    inside = [s for s in spots if s[1] >= 0 and s[3] <= height] or [(x, 0, x + w, h)]
    free = [s for s in inside if not any(overlap(s, other) for other in taken)]
    spot = (free or inside)[0]
    taken.append(spot)
    cv2.rectangle(picture, spot[:2], (spot[2] - 1, spot[3] - 1), color, -1)
    put_text(picture, text, (x + pad, spot[1]), size, text_color(color))


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
