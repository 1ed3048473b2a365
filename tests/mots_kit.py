"""Masks as the lines of MOTS txt files."""

import numpy as np
from pycocotools import mask as mask_utils


def mots_txt(masks: np.ndarray, first: int = 0) -> str:
    """The text of a MOTS txt file.

    Args:
        masks: (T, H, W), class * 1000 + instance, 0 background.
        first: Number of the first frame.
    """
    lines = []
    for t, mask in enumerate(masks):
        for value in np.unique(mask[mask > 0]).tolist():
            rle = mask_utils.encode(np.asfortranarray(mask == value, dtype=np.uint8))
            size = f'{mask.shape[0]} {mask.shape[1]}'
            code = rle['counts'].decode()
            lines.append(f'{t + first} {value} {value // 1000} {size} {code}\n')
    return ''.join(lines)
