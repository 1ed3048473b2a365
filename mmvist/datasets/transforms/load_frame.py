"""A frame that cannot be read does not end a test."""

from __future__ import annotations

import io
import os.path as osp
from contextlib import suppress
from typing import Any

import av
import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmdet.structures import DetDataSample
from mmengine import fileio
from PIL import Image, UnidentifiedImageError

from mmvist.datasets.frame_size import check_frame_size
from mmvist.registry import TRANSFORMS

_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    cv2.error,
    Image.DecompressionBombError,
)
"""What is raised of a file that is no picture, or pretends to be a huge one."""


@TRANSFORMS.register_module()
class LoadFrame(LoadImageFromFile):
    """Load a frame of testing; of one that cannot be read, a black one.

    Adds ``unreadable``, why it cannot be read, empty for all others. Pack it
    (``meta_keys=('unreadable',)``): ``VAEVIST`` then shows nothing in the frame and
    goes on behind it, and ``tools/test.py`` names it at the end.

    Unreadable is also what OpenCV would fill with grey, or with colours of other
    places: a PNG that is cut off, a JPEG whose data break its own rules, wherever in
    the file. What keeps to the rules cannot be told: a JPEG has no checksum.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load; see the class."""
        try:
            image, reason = self._read(results['img_path']), ''
        except _UNREADABLE as error:
            if not {'height', 'width'} <= results.keys():
                raise
            lines = str(error).strip().splitlines()
            reason = lines[-1] if lines else type(error).__name__
            size = results['height'], results['width']
            check_frame_size(size, results['img_path'])
            image = np.zeros((int(size[0]), int(size[1]), 3), np.uint8)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        results['unreadable'] = reason
        return results

    def _read(self, path: str) -> np.ndarray:
        if osp.exists(path) and not osp.isfile(path):
            raise ValueError(f'{path}: is no file')
        content = fileio.get(path, self.backend_args)
        _check_whole(content)
        with (
            suppress(UnidentifiedImageError),  # a kind that OpenCV may know
            Image.open(io.BytesIO(content)) as picture,
        ):
            check_frame_size((picture.height, picture.width), path)
        image = mmcv.imfrombytes(
            content, flag=self.color_type, backend=self.imdecode_backend
        )
        if image is None:
            raise ValueError(f'{path}: is no picture')
        return image


def picture_of(frame: DetDataSample) -> np.ndarray:
    """A frame of testing as its file has it, (H, W, 3) uint8 BGR, to be drawn on.

    Black where it is ``unreadable``, as :class:`LoadFrame` shows it to a model, or is
    no file, such as a record of LMDB.
    """
    image = None
    if not frame.get('unreadable'):
        with suppress(*_UNREADABLE):
            image = mmcv.imread(frame.img_path, backend='cv2')
    if image is None:
        image = np.zeros((*frame.ori_shape[:2], 3), np.uint8)
    return image


def _check_whole(content: bytes) -> None:
    """OpenCV fills what is missing or broken, and says so on stderr at most.

    Raises:
        ValueError: The file is cut off or damaged.
    """
    if content.startswith(b'\x89PNG') and b'IEND' not in content:
        raise ValueError('the file is cut off')
    if content.startswith(b'\xff\xd8'):
        codec = av.CodecContext.create('mjpeg', 'r')
        codec.options = {'err_detect': 'explode'}
        codec.thread_count = 1
        try:
            codec.decode(av.Packet(content))
        except av.error.InvalidDataError:
            raise ValueError('the file is cut off or damaged') from None
        except av.error.FFmpegError:
            pass  # a kind that OpenCV may know and FFmpeg does not
