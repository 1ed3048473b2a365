"""Pictures put together under captions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .draw import display_scale, enlarge
from .text import put_text, text_size

GROUND = 28  # grey of bars and gaps
INK = (235, 235, 235)


def side_by_side(
    panels: Sequence[tuple[str, np.ndarray]],
    gap: int = 6,
) -> np.ndarray:
    """Pictures of one height in a row, each under its caption.

    Args:
        panels: (caption, (H, W, 3) uint8 BGR), W of each as it likes.
        gap: Pixels between two pictures.

    Returns:
        (H + bar, sum of W + gaps, 3) uint8 BGR.
    """
    height = panels[0][1].shape[0]
    columns: list[np.ndarray] = []
    for caption, image in panels:
        if columns:
            columns.append(_ground(columns[0].shape[0], gap))
        columns.append(np.vstack([_bar(caption, image.shape[1], height), image]))
    return np.hstack(columns)


def next_frame_picture(
    rows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    captions: Sequence[str] = ('frame t', 'frame t+1', 'frame t+1 as predicted at t'),
    target: int = 384,
    gap: int = 6,
) -> np.ndarray:
    """A row for each frame: F_t, F_{t+1}, and D_aux's prediction of it.

    Args:
        rows: Triples of (H, W, 3) uint8 BGR, all of one size.
        captions: Over the columns.
        target: Width of a column towards which small frames are enlarged.
        gap: Pixels between pictures.

    Returns:
        One uint8 BGR picture.
    """
    lines: list[np.ndarray] = []
    for number, row in enumerate(rows):
        height, width = row[1].shape[:2]
        scale = display_scale(width, target)
        images = [enlarge(cv2.resize(image, (width, height)), scale) for image in row]
        if number:
            spaced = [_ground(images[0].shape[0], gap)] * 2
            line = np.hstack([images[0], spaced[0], images[1], spaced[1], images[2]])
            lines.append(_ground(gap, line.shape[1]))
        else:
            line = side_by_side(list(zip(captions, images, strict=True)), gap)
        lines.append(line)
    return np.vstack(lines)


def titled_rows(
    captions: Sequence[str],
    rows: Sequence[tuple[str, Sequence[np.ndarray]]],
    legend: str = '',
    gap: int = 6,
) -> np.ndarray:
    """Rows of pictures, each row under its title, the columns under captions.

    Args:
        captions: Over the columns.
        rows: (title, one (H, W, 3) uint8 BGR for each column), all of one size.
        legend: Line under everything.
        gap: Pixels between two pictures.

    Returns:
        One uint8 BGR picture.
    """
    height, width = rows[0][1][0].shape[:2]
    total = len(captions) * (width + gap) - gap
    space = _ground(height, gap)
    height *= 3 / 2  # such a picture is large, and looked at as a whole
    heads = [_bar(caption, width, height) for caption in captions]
    lines = [_row(heads, _ground(len(heads[0]), gap))]
    for title, pictures in rows:
        lines += [_bar(title, total, height), _row(pictures, space)]
    if legend:
        lines.append(_bar(legend, total, height))
    return np.vstack(lines)


def _row(pictures: Sequence[np.ndarray], space: np.ndarray) -> np.ndarray:
    spaced = [part for picture in pictures for part in (space, picture)]
    return np.hstack(spaced[1:])


def with_header(text: str, picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) under a line of text as wide as it is."""
    return np.vstack([_bar(text, picture.shape[1], picture.shape[0]), picture])


def fit(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shrink a picture where it is too large, and pad it to ``size``.

    Args:
        picture: (H, W, 3) uint8 BGR.
        size: (height, width) of the result; the ratio of sides is kept.
    """
    scale = min(size[0] / picture.shape[0], size[1] / picture.shape[1], 1.0)
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    ground = _ground(*size)
    ground[:height, :width] = picture
    return ground


def _bar(caption: str, width: int, height: float) -> np.ndarray:
    """A caption on a dark bar, as small as it has to be to fit."""
    size = max(13, round(height / 26))
    bar = _ground(round(1.7 * size), width)
    while size > 7 and text_size(caption, size)[0] > width - size:
        size -= 1
    text_height = text_size(caption, size)[1]
    put_text(bar, caption, (size // 2, (len(bar) - text_height) // 2), size, INK)
    return bar


def _ground(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), GROUND, dtype=np.uint8)
