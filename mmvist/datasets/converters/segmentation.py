"""A COCO segmentation of any kind to a compressed run-length code.

pycocotools reads past the end of a code that was cut, paints beyond the frame where
run lengths do not fit, and takes two points for a box: whatever comes from a file is
looked at before it gets there.
"""

import math
from numbers import Real
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvist.datasets.errors import DataError

LONGEST = 7
"""Characters of a number in a compressed code: no frame has more pixels."""
REACH = 100_000
"""Pixels from the corner of a frame; a coordinate beyond them is a mistake."""


def read_segmentation(segmentation: Any, size: tuple[int, int], where: str) -> dict:
    """Read a mask.

    Args:
        segmentation: Polygons as lists of x, y, x, y, ... in pixels, or a run-length
            code, compressed or not.
        size: (height, width) of its frame.
        where: File and place, for messages.

    Returns:
        Compressed run-length code with ``counts`` as bytes.

    Raises:
        DataError: It is of no such kind, of another size, or broken.
    """
    if isinstance(segmentation, list):
        return _of_polygons(segmentation, size, where)
    if not isinstance(segmentation, dict) or not {'size', 'counts'} <= set(
        segmentation
    ):
        raise DataError(
            f'{where}: mask is neither polygons nor a run-length code (size, counts)'
        )
    found = segmentation['size']
    if not isinstance(found, list | tuple) or list(found) != list(size):
        raise DataError(
            f'{where}: mask is {found}, its frame {list(size)} (height, width)'
        )
    counts = segmentation['counts']
    try:
        runs = (
            _checked_runs(counts) if isinstance(counts, list) else run_lengths(counts)
        )
    except ValueError as error:
        raise DataError(f'{where}: run-length code cannot be read: {error}') from None
    if sum(runs) != size[0] * size[1]:
        raise DataError(
            f'{where}: run-length code is of {sum(runs)} pixels, the frame of '
            f'{size[0]} x {size[1]}'
        )
    if isinstance(counts, list):
        return mask_utils.frPyObjects(dict(size=list(size), counts=counts), *size)
    counts = counts if isinstance(counts, bytes) else counts.encode()
    return dict(size=list(size), counts=counts)


def run_lengths(counts: str | bytes) -> list[int]:
    """The runs of COCO's compressed code: background, foreground, background, ...

    Args:
        counts: The code.

    Raises:
        ValueError: It is no such code.
    """
    if isinstance(counts, bytes):
        counts = counts.decode('latin-1')
    if not isinstance(counts, str):
        raise ValueError(f'{counts!r} is no text')
    if not counts:
        return []
    digits = np.array([counts]).view(np.uint32).astype(np.int64) - 48
    foreign = (digits < 0) | (digits >= 64)
    if foreign.any():
        raise ValueError(f'{counts[foreign.argmax()]!r} is no character of it')
    last = (digits & 32) == 0
    if not last[-1]:
        raise ValueError('it ends in the middle of a number')
    ends = last.nonzero()[0]
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts + 1
    if lengths.max() > LONGEST:
        raise ValueError('a number has too many characters')
    places = np.arange(len(digits)) - starts.repeat(lengths)
    runs = np.add.reduceat((digits & 31) << 5 * places, starts)
    runs -= np.where(digits[ends] & 16, 1 << 5 * lengths, 0)
    # from the fourth run on, the difference to the last of its kind is stored
    for first in (1, 2):
        runs[first::2] = runs[first::2].cumsum()
    if (runs < 0).any():
        raise ValueError('a run is negative')
    return runs.tolist()


def _checked_runs(runs: list) -> list[int]:
    for run in runs:
        if not isinstance(run, int) or run < 0:
            raise ValueError(f'{run!r} is no length of a run')
    return runs


def _of_polygons(polygons: list, size: tuple[int, int], where: str) -> dict:
    if not polygons:
        raise DataError(f'{where}: mask has no polygon')
    for polygon in polygons:
        if not isinstance(polygon, list) or not all(
            isinstance(value, Real) and math.isfinite(value) for value in polygon
        ):
            raise DataError(f'{where}: polygon is no list of numbers x, y, x, y, ...')
        # pycocotools walks along an edge in steps of a fifth of a pixel
        if any(not -REACH <= value <= REACH for value in polygon):
            raise DataError(f'{where}: polygon leaves the frame by over {REACH} pixels')
        if len(polygon) < 6 or len(polygon) % 2:
            raise DataError(
                f'{where}: polygon of {len(polygon)} numbers; three points are six'
            )
    return mask_utils.merge(mask_utils.frPyObjects(polygons, *size))
