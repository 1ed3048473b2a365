"""A frame that cannot be read does not end a test."""

from __future__ import annotations

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio

from mmvist.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """Load a frame of testing; of one that cannot be read, a black one.

    Adds ``unreadable``, why it cannot be read, empty for all others. Pack it
    (``meta_keys=('unreadable',)``): ``VAEVIST`` then shows nothing in the frame and
    goes on behind it, and ``tools/test.py`` names it at the end.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load; see the class."""
        try:
            image, reason = self._read(results['img_path']), ''
        except Exception as error:
            if not {'height', 'width'} <= results.keys():
                raise
            lines = str(error).strip().splitlines()
            reason = lines[-1] if lines else type(error).__name__
            size = int(results['height']), int(results['width'])
            image = np.zeros((*size, 3), np.uint8)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        results['unreadable'] = reason
        return results

    def _read(self, path: str) -> np.ndarray:
        content = fileio.get(path, self.backend_args)
        _check_whole(content)
        image = mmcv.imfrombytes(
            content, flag=self.color_type, backend=self.imdecode_backend
        )
        if image is None:
            raise ValueError(f'{path}: is no picture')
        return image


def _check_whole(content: bytes) -> None:
    """OpenCV fills what is missing at the end of a file with grey, or black.

    Raises:
        ValueError: The mark of the end is nowhere in a JPEG or PNG file.
    """
    for start, end in ((b'\xff\xd8', b'\xff\xd9'), (b'\x89PNG', b'IEND')):
        if content.startswith(start) and end not in content:
            raise ValueError('the file is cut off')
