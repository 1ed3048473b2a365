"""Video files, streams, pipes and cameras as sources of frames."""

from __future__ import annotations

import io
import math
import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from .frame_source import FrameSource, SourceError, first_line

TIMEOUT = 10.0
"""Seconds that an address may stay silent."""
MAX_DAMAGED = 300
"""Packets in a row that a stream may lose, some ten seconds of it."""
LIVE_OPTIONS = {
    # a second of the stream tells what it is; FFmpeg's own choice is five
    'analyzeduration': '1000000',
    'rtsp_flags': 'prefer_tcp',
    # UDP that comes faster than it is tracked loses frames instead of ending
    'overrun_nonfatal': '1',
}


def open_video(path: str) -> FrameSource:
    """Open a file that FFmpeg reads.

    Raises:
        SourceError: It is no video.
    """
    try:
        container = av.open(path)
    except (av.FFmpegError, OSError) as error:
        raise _no_video(path, error) from None
    return _source(container, path, live=False)


def open_address(address: str) -> FrameSource:
    """Open a stream such as ``rtsp://``, ``http://`` or ``udp://``.

    Raises:
        SourceError: Nothing answers, or it is no video.
    """
    try:
        container = av.open(address, options=LIVE_OPTIONS, timeout=TIMEOUT)
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f'{address} cannot be opened: {_reason(error)}') from None
    return _source(container, address, live=True)


def open_pipe(pipe: str | int, name: str) -> FrameSource:
    """Open a pipe, reading what is in it as it comes.

    Args:
        pipe: Path of a fifo, or a file descriptor, which stays open.
        name: For messages.

    Raises:
        SourceError: It cannot be read, or brings no video.
    """
    try:
        file = open(pipe, 'rb', buffering=0, closefd=isinstance(pipe, str))  # noqa: SIM115
    except OSError as error:
        raise SourceError(f'{name} cannot be read: {error.strerror}') from None
    if file.isatty():
        raise SourceError(f'{name} is a terminal: pipe a video into it')
    if file.seekable():  # `< video.mp4`
        reader, options = file, {}
    else:
        reader, options = _Pipe(file), LIVE_OPTIONS
    try:
        container = av.open(reader, options=options)
    except _Interrupted:
        raise KeyboardInterrupt from None
    except (av.FFmpegError, OSError) as error:
        raise _no_video(name, error) from None
    source = _source(container, name, live=not file.seekable())
    source.wake = getattr(reader, 'stop', None)
    return source


def open_camera(device: int | str) -> FrameSource:
    """Open a camera of this machine.

    Args:
        device: Its index from 0, or the path of a device.

    Raises:
        SourceError: There is none, or another program holds it.
    """
    name = f'camera {device}'
    # OpenCV 5 has moved it
    set_log_level = getattr(cv2, 'setLogLevel', None) or cv2.utils.logging.setLogLevel
    level = set_log_level(0)  # it speaks of a missing camera for itself
    try:
        capture = cv2.VideoCapture(device)
    finally:
        set_log_level(level)
    if not capture.isOpened():
        raise SourceError(
            f'{name} cannot be opened: there is none of this number, or another '
            'program holds it'
        )
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, where it can be had
    fps = capture.get(cv2.CAP_PROP_FPS)
    rate = Fraction(fps).limit_denominator(1001) if 0 < fps < 1000 else None
    # as they are read: what it filmed in between is lost
    clock = time.monotonic
    return FrameSource(_grab(capture, name), name, fps=rate, live=True, filmed=clock)


class _Interrupted(Exception):
    """Ctrl-C inside a callback of PyAV, which hands on no KeyboardInterrupt."""


class _Pipe:
    """A pipe for PyAV: gives what is there, and nothing more after a stop."""

    def __init__(self, file: io.RawIOBase) -> None:
        self.file = file
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    def read(self, size: int) -> bytes:
        """At least one byte, or none at the end."""
        try:
            while not self.stopped:
                # Windows has no select for pipes: a stop waits for the next bytes
                if os.name == 'nt' or select.select([self.file], [], [], 0.2)[0]:
                    return self.file.read(size) or b''
        except KeyboardInterrupt:
            raise _Interrupted from None
        return b''


def _source(
    container: av.container.InputContainer, name: str, live: bool
) -> FrameSource:
    if not container.streams.video:
        container.close()
        raise SourceError(f'{name} holds no video')
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate
    length = None if live else stream.frames or None
    clock = _Clock(float(1 / (rate or 25)), TIMEOUT if live else math.inf)
    frames = _decode(container, name, live, clock)
    return FrameSource(frames, name, length, rate, live, lambda: clock.seconds)


@dataclass
class _Clock:
    """Of a video, at the frame that was decoded last.

    A stream that is set anew, or begins again, goes on as if nothing had been between.

    Attributes:
        each: Seconds of a frame.
        longest: Seconds that may be between two.
        seconds: What it says.
    """

    each: float
    longest: float
    seconds: float | None = None
    _last: float | None = None
    _leapt: float = 0.0

    def set(self, told: float | None) -> None:
        """Take the time that a frame tells."""
        if told is None:
            self.seconds = None
            return
        passed = self.each if self._last is None else told - self._last
        if not 0 < passed <= self.longest:
            self._leapt += passed - self.each
        self._last, self.seconds = told, told - self._leapt


def _decode(
    container: av.container.InputContainer, name: str, live: bool, clock: _Clock
) -> Iterator[np.ndarray]:
    """Frames of a video, upright, as they were filmed."""
    stream = container.streams.video[0]
    # frame threads hold frames back
    stream.thread_type = 'SLICE' if live else 'AUTO'
    count = damaged = 0
    with container:
        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.InvalidDataError:
                    # who joins a stream in its middle waits for a key frame
                    damaged += 1
                    if not live or damaged > MAX_DAMAGED:
                        raise
                    continue
                damaged = 0
                for frame in frames:
                    count += 1
                    clock.set(frame.time)
                    yield _upright(frame)
        except _Interrupted:
            raise KeyboardInterrupt from None
        except (av.FFmpegError, OSError) as error:
            what = f'broke off after {count} frames' if live else 'is damaged'
            raise SourceError(f'{name} {what}: {_reason(error)}') from None


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """(H, W, 3) uint8 BGR; a phone turns the picture by a note beside it."""
    image = frame.to_ndarray(format='bgr24')
    turns = round(getattr(frame, 'rotation', 0) / 90)
    return np.ascontiguousarray(np.rot90(image, turns))


def _grab(capture: cv2.VideoCapture, name: str) -> Iterator[np.ndarray]:
    count = 0
    try:
        while True:
            there, image = capture.read()
            if not there:
                raise SourceError(f'{name} broke off after {count} frames')
            count += 1
            yield image
    finally:
        capture.release()


def _no_video(name: str, error: Exception) -> SourceError:
    return SourceError(f'{name} is no video that FFmpeg reads: {_reason(error)}')


def _reason(error: Exception) -> str:
    if isinstance(error, av.ExitError):  # PyAV's timeout
        return f'nothing came for {TIMEOUT:g} s'
    return getattr(error, 'strerror', None) or first_line(error)
