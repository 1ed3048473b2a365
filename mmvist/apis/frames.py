"""Where frames come from: video files, folders, anything that yields pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import mmcv
import numpy as np

from mmvist.engine.errors import UserError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp')


class SourceError(UserError):
    """Frames cannot be read; the message is one line."""


@dataclass
class FrameSource:
    """Frames one after the other, and what is known of them beforehand.

    A new kind of source is a function that fills one of these: only ``frames``
    is needed. Iterating checks each frame and holds one at a time.

    Attributes:
        frames: Yields (H, W, 3) uint8 BGR, all of one size.
        name: For messages.
        length: Number of frames where it is known; a guess for some videos.
        fps: Frames a second, where known.
    """

    frames: Iterable[np.ndarray]
    name: str = 'frames'
    length: int | None = None
    fps: Fraction | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        size = None
        for number, frame in enumerate(self.frames):
            if (
                not isinstance(frame, np.ndarray)
                or frame.dtype != np.uint8
                or frame.ndim != 3
                or frame.shape[2] != 3
            ):
                raise SourceError(
                    f'{self.name}: frame {number} is no (H, W, 3) uint8 array'
                )
            size = size or frame.shape
            if frame.shape != size:
                raise SourceError(
                    f'{self.name}: frame {number} is {frame.shape[1]} x '
                    f'{frame.shape[0]}, the first one {size[1]} x {size[0]}; '
                    'a video has one size'
                )
            yield frame


Source = str | os.PathLike | Iterable[np.ndarray] | FrameSource


def open_source(source: Source) -> FrameSource:
    """Open a video file, a folder of pictures, or an iterable of frames.

    Args:
        source: Path of a video that FFmpeg reads; path of a folder, whose
            pictures are taken in natural order (``frame9`` before ``frame10``);
            an iterable of (H, W, 3) uint8 BGR; or a :class:`FrameSource`.

    Raises:
        SourceError: There is nothing to read. What is found out later, a
            damaged picture say, is raised while iterating.
    """
    if isinstance(source, FrameSource):
        return source
    if not isinstance(source, str | os.PathLike):
        length = len(source) if hasattr(source, '__len__') else None
        return FrameSource(source, length=length)
    path = Path(source)
    if not path.exists():
        raise SourceError(f'{path} does not exist')
    return _open_folder(path) if path.is_dir() else _open_video(path)


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
        image = mmcv.imfrombytes(path.read_bytes(), flag='color', backend='cv2')
    except Exception as error:  # OpenCV's own class of exception
        raise SourceError(f'{path} cannot be read: {_first_line(error)}') from None
    if image is None:
        raise SourceError(f'{path} cannot be read as a picture')
    return image


def _open_video(path: Path) -> FrameSource:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise SourceError(f'{path} holds no video')
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            length = stream.frames or None
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f'{path} is no video that FFmpeg reads: {error}') from None
    return FrameSource(_decode(path), str(path), length, rate)


def _decode(path: Path) -> Iterator[np.ndarray]:
    """Frames of a video, upright, as they were filmed."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = 'AUTO'
        try:
            for frame in container.decode(stream):
                image = frame.to_ndarray(format='bgr24')
                # a phone turns the picture by a note beside it
                turns = round(getattr(frame, 'rotation', 0) / 90)
                yield np.ascontiguousarray(np.rot90(image, turns))
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f'{path} is damaged: {_first_line(error)}') from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
