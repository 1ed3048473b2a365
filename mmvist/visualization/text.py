"""Smooth text on BGR pictures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .palette import Color


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # the font that matplotlib, which mmdet needs anyway, brings along
    folder = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf'
    return ImageFont.truetype(str(folder / 'DejaVuSans-Bold.ttf'), size)


def text_size(text: str, size: int) -> tuple[int, int]:
    """(width, height) in pixels of a line of text, ``size`` pixels an em."""
    return round(_font(size).getlength(text)), round(1.2 * size)


def put_text(
    image: np.ndarray, text: str, corner: tuple[int, int], size: int, color: Color
) -> None:
    """Write one line into a picture.

    Args:
        image: (H, W, 3) uint8 BGR, changed in place.
        text: The line; what does not fit into the picture is cut off.
        corner: (x, y) of its top left, not negative.
        size: Pixels an em.
        color: BGR.
    """
    x, y = corner
    width, height = text_size(text, size)
    patch = image[y : y + height, x : x + width]
    if patch.size == 0:
        return
    drawn = Image.fromarray(np.ascontiguousarray(patch))
    middle = (0, height / 2)
    ImageDraw.Draw(drawn).text(middle, text, fill=color, font=_font(size), anchor='lm')
    patch[:] = np.asarray(drawn)
