"""Opening whatever frames come from: videos, folders, streams, cameras, iterables."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

import mmcv
import numpy as np

from .frame_source import FrameSource, SourceError, first_line
from .video_source import open_address, open_camera, open_pipe, open_video

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')

Source = str | os.PathLike | int | Iterable[np.ndarray] | FrameSource


def open_source(source: Source) -> FrameSource:
    """Open whatever has frames.

    Args:
        source: Path of a video that FFmpeg reads; path of a folder, whose
            pictures are taken in natural order (``frame9`` before ``frame10``);
            an address (``rtsp://``, ``http://``, ``udp://``, ...); ``'-'`` for
            standard input, or the path of a fifo; the index of a camera, or the
            path of its device; an iterable of (H, W, 3) uint8 BGR; or a
            :class:`FrameSource`. A file or folder named ``0`` comes before the
            camera ``'0'``.

    Raises:
        SourceError: There is nothing to read. What is found out later, a
            damaged picture or a stream that breaks off, is raised while
            iterating.
    """
    if isinstance(source, FrameSource):
        return source
    if isinstance(source, int):
        return open_camera(source)
    if not isinstance(source, str | os.PathLike):
        length = len(source) if hasattr(source, '__len__') else None
        return FrameSource(source, length=length)
    return _open_named(os.fspath(source))


def _open_named(name: str) -> FrameSource:
    if '://' in name:
        return open_address(name)
    if name == '-':
        return open_pipe(0, 'standard input')
    path = Path(name)
    if not path.exists():
        if name.isdecimal():
            return open_camera(int(name))
        raise SourceError(f'{name} does not exist')
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return _open_folder(path)
    if stat.S_ISFIFO(mode):
        return open_pipe(name, name)
    if stat.S_ISCHR(mode):
        return open_camera(name)
    return open_video(name)


def _open_folder(path: Path) -> FrameSource:
    files = [file for file in path.iterdir() if not file.name.startswith('.')]
    files = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise SourceError(f'{path} holds no pictures ({", ".join(IMAGE_SUFFIXES)})')
    files.sort(key=_natural)
    return FrameSource(map(_read_image, files), str(path), len(files))


def _natural(path: Path) -> tuple:
    """Numbers in a name count as numbers."""
    parts = re.split(r'(\d+)', path.name)
    return [int(part) if part.isdecimal() else part for part in parts], path.name


def _read_image(path: Path) -> np.ndarray:
    # as LoadImageFromFile of the test pipeline does it
    try:
        content = path.read_bytes()
        # OpenCV raises at an empty file, else it gives nothing
        image = content and mmcv.imfrombytes(content, flag='color', backend='cv2')
    except Exception as error:  # OpenCV's own class of exception
        raise SourceError(f'{path} cannot be read: {first_line(error)}') from None
    if not isinstance(image, np.ndarray):
        raise SourceError(f'{path} cannot be read as a picture')
    return image
