"""Frames one after the other, whatever they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from mmvist.engine.errors import UserError


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
        live: A camera, an address or a pipe: its end is not known beforehand.
        filmed: Says when the frame that was yielded last was filmed, in seconds from
            any point in time, or None; a source that leaves frames out, or whose
            rate varies, has one.
        wake: Called by :meth:`stop`, for a source that waits for its next frame.
    """

    frames: Iterable[np.ndarray]
    name: str = 'frames'
    length: int | None = None
    fps: Fraction | None = None
    live: bool = False
    filmed: Callable[[], float | None] | None = None
    wake: Callable[[], None] | None = None
    stopped: bool = field(default=False, init=False)
    seconds: float | None = field(default=None, init=False)
    """From the first frame to the one given last, where it is known."""

    def stop(self) -> None:
        """Let the frames end here, as if the video had no more.

        For a signal handler or another thread, while somebody iterates.
        """
        self.stopped = True
        if self.wake is not None:
            self.wake()

    def __iter__(self) -> Iterator[np.ndarray]:
        size = first = None
        for number, frame in enumerate(self.frames):
            if self.stopped:
                return
            if (
                not isinstance(frame, np.ndarray)
                or frame.dtype != np.uint8
                or frame.ndim != 3
                or frame.shape[2] != 3
                or not frame.size
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
            moment = None if self.filmed is None else self.filmed()
            first = moment if first is None else first
            self.seconds = None if moment is None else moment - first
            yield frame
            if self.stopped:
                return


def first_line(error: Exception) -> str:
    """What an exception says, as far as it fits into a message of one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
