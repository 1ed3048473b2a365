"""From crops to run-length codes, without the pictures between."""

from __future__ import annotations

import numpy as np
from pycocotools import mask as mask_utils

from .crops import Crops, Region
from .exclusive import Rle


def encode_crops(masks: Crops) -> list[Rle]:
    """N binary masks to N run-length codes of the size of the frame.

    What ``pycocotools.mask.encode`` gives for the whole pictures.
    """
    return [_encode(value.cpu().numpy(), region, masks.size) for value, region in masks]


def _encode(crop: np.ndarray, region: Region, size: tuple[int, int]) -> Rle:
    rows, columns = region
    height, width = size
    # the code goes down the columns; with a frame of background each column of the
    # crop begins and ends its own runs
    framed = np.zeros((crop.shape[1], crop.shape[0] + 2), dtype=bool)
    framed[:, 1:-1] = crop.T
    line = framed.ravel()
    column, row = np.divmod(np.flatnonzero(line[1:] != line[:-1]), framed.shape[1])
    borders = (column + columns.start) * height + row + rows.start
    if len(crop) == height:
        # a run that reaches the bottom goes on at the top of the next column
        met = np.flatnonzero(borders[1:] == borders[:-1])
        borders = np.delete(borders, np.concatenate([met, met + 1]))
    counts = np.diff(borders, prepend=0, append=height * width).tolist()
    if len(counts) > 1 and counts[-1] == 0:
        counts.pop()
    code = {'size': [height, width], 'counts': counts}
    return mask_utils.frPyObjects(code, height, width)
