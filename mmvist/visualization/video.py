"""Frames to a video that every player plays."""

from __future__ import annotations

import math
import os
import warnings
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np
from av.video.reformatter import Colorspace

from mmvist.engine.errors import UserError

UNIT = Fraction(1, 60_000)
"""Seconds in which frames tell their times, where they do; of usual rates each frame is
a whole number of them, and MPEG-4 takes none under 1/65535."""
VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.mkv')


class VideoWriter:
    """Write BGR frames as H.264; a context manager.

    The size is that of the first frame; odd sizes grow by one pixel, which
    repeats the edge, since the codec takes even ones alone. Where this FFmpeg
    has no libx264, MPEG-4 takes its place and a warning says so. What was
    written before an error stays playable; without a frame there is no file.

    Args:
        path: ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``, in a folder that exists.
        fps: Frames a second.
        crf: Quality of libx264, smaller is better.

    Raises:
        UserError: The suffix is another, or the file cannot be made.

    Examples:
        >>> with VideoWriter('clip.mp4', fps=10) as video:  # doctest: +SKIP
        ...     video.write(np.zeros((128, 192, 3), np.uint8))
    """

    def __init__(
        self, path: str | os.PathLike, fps: float | Fraction = 10, crf: int = 18
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in VIDEO_SUFFIXES:
            raise UserError(
                f'{path}: a video is written as {", ".join(VIDEO_SUFFIXES)}'
            )
        if not 0 < fps < math.inf:  # nor NaN
            raise UserError(f'a video of {fps} frames a second cannot be written')
        self.fps = Fraction(fps).limit_denominator(1001)
        self.crf = crf
        self.frames = 0
        self._last = 0
        self._unit = UNIT
        self._size: tuple[int, ...] = ()
        self._container: av.container.OutputContainer | None = None

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, image: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 BGR, as large as the first.
            seconds: When it is shown, from the beginning; given from the first frame
                on or of none. A frame without, or that would not come behind the one
                before, follows that at the rate ``fps``.

        Raises:
            UserError: The file cannot be made.
            ValueError: The frame has another size than the first.
        """
        if self._container is None:
            # frames without times have those of the rate, whatever that is
            self._unit = 1 / self.fps if seconds is None else UNIT
            self._open(image.shape)
        if image.shape != self._size:
            raise ValueError(f'frame of {image.shape} in a video of {self._size}')
        height, width = image.shape[:2]
        even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode='edge')
        frame = av.VideoFrame.from_ndarray(even, format='bgr24')
        frame.duration = max(round(1 / self.fps / self._unit), 1)
        frame.pts = 0 if seconds is None else round(seconds / self._unit)
        if self.frames and frame.pts <= self._last:
            frame.pts = self._last + frame.duration
        frame.time_base, self._last = self._unit, frame.pts
        self._mux(frame)
        self.frames += 1

    def close(self) -> None:
        """Write what the encoder holds back, and the index."""
        if self._container is not None:
            container = self._container
            self._mux(None)
            self._container = None
            try:
                container.close()
            except (OSError, av.FFmpegError) as error:
                raise self._refused(error) from None

    def _mux(self, frame: av.VideoFrame | None) -> None:
        """Encode a frame, or what the encoder holds back."""
        try:
            self._container.mux(self._stream.encode(frame))
        except (OSError, av.FFmpegError) as error:
            self._container = None  # nothing more can be written
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> UserError:
        reason = getattr(error, 'strerror', None) or error
        return UserError(f'{self.path} cannot be written: {reason}')

    def _open(self, shape: tuple[int, ...]) -> None:
        codec, options = 'libx264', {'crf': str(self.crf), 'preset': 'medium'}
        if codec not in av.codecs_available:
            warnings.warn(
                f'FFmpeg has no libx264 here: {self.path} is MPEG-4, not H.264',
                stacklevel=3,
            )
            codec, options = 'mpeg4', {'qscale': '3'}
        # the index in front, so that a browser starts before it has all
        flags = {} if self.path.suffix.lower() == '.mkv' else {'movflags': '+faststart'}
        even = [side + side % 2 for side in shape[:2]]
        try:
            container = av.open(str(self.path), 'w', options=flags)
            stream = container.add_stream(codec, rate=self.fps, options=options)
            stream.height, stream.width = even
            stream.pix_fmt = 'yuv420p'
            stream.codec_context.time_base = self._unit
            # the matrix of FFmpeg's RGB conversion, which a player guesses otherwise
            stream.codec_context.colorspace = Colorspace.ITU601
            container.start_encoding()  # makes the file
        except (OSError, av.FFmpegError) as error:
            raise self._refused(error) from None
        self._size, self._stream, self._container = shape, stream, container


class PictureFolder:
    """Write BGR frames as ``000000.png``, ``000001.png``, ...; a context manager.

    Args:
        path: An empty folder; made where it does not exist.

    Raises:
        UserError: It cannot be made, or holds something, such as the frames that
            the pictures are drawn on.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.frames = 0
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f'{path} cannot be made: {error.strerror}') from None
        if any(self.path.iterdir()):
            raise UserError(f'folder {path} is not empty; name a new one, or empty it')

    def __enter__(self) -> PictureFolder:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def write(self, image: np.ndarray, seconds: float | None = None) -> None:
        """Append a frame, (H, W, 3) uint8 BGR; pictures have no time.

        Raises:
            UserError: The file cannot be written.
        """
        file = self.path / f'{self.frames:06}.png'
        if not cv2.imwrite(str(file), image):
            raise UserError(f'{file} cannot be written')
        self.frames += 1


def open_writer(
    path: str | os.PathLike, fps: float | Fraction = 10
) -> VideoWriter | PictureFolder:
    """A video where the path has a suffix, else a folder of pictures.

    Raises:
        UserError: The suffix is of no video that can be written.
    """
    return VideoWriter(path, fps) if Path(path).suffix else PictureFolder(path)
