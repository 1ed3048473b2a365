"""The last frames of a video, some of which wait for the frames after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmdet.structures import DetDataSample
from torch import Tensor

from mmvist.structures.clip import Frame


@dataclass
class HeldFrame:
    """A frame in the window, without its image.

    Attributes:
        video_id: Of its video.
        frame_id: Position in the video, from 0.
        metainfo: What the detector's heads ask for.
        sample: The sample that takes its result.
        maps: The backbone's, (1, C, h, w) of each level.
        shown: Its result is known.
    """

    video_id: object
    frame_id: int
    metainfo: dict
    sample: DetDataSample
    maps: tuple[Tensor, ...]
    shown: bool = False


class FrameWindow:
    """Holds ``2 * context`` frames between two calls, however long a video is.

    Args:
        context: Frames on either side that a result depends on.
    """

    def __init__(self, context: int) -> None:
        self.context = context
        self.clear()

    def clear(self) -> None:
        """Forget the video."""
        self.frames: list[HeldFrame] = []
        self.count = 0

    @property
    def last(self) -> HeldFrame | None:
        """The frame that came last."""
        return self.frames[-1] if self.frames else None

    def follows(self, frame: Frame) -> bool:
        """Whether ``frame`` is the one after the last.

        Raises:
            ValueError: It is, and has another size.
        """
        last = self.last
        if last is None or frame.video_id != last.video_id:
            return False
        if frame.frame_id != last.frame_id + 1:
            return False
        before, now = (
            meta['batch_input_shape'] for meta in (last.metainfo, frame.metainfo)
        )
        if before != now:
            raise ValueError(
                f'frame {frame.frame_id} of video {frame.video_id} has input size '
                f'{now}, the frame before {before}: a video has one size'
            )
        return True

    def push(
        self, frame: Frame, sample: DetDataSample, maps: tuple[Tensor, ...]
    ) -> None:
        """Add the next frame."""
        held = HeldFrame(frame.video_id, frame.frame_id, frame.metainfo, sample, maps)
        self.frames.append(held)
        self.count += 1

    def ends_here(self) -> bool:
        """Whether the last frame is the last of its video, as its sample says.

        True where the sample does not say how long the video is: nobody knows
        whether there is anything to wait for.
        """
        last = self.frames[-1]
        length = last.sample.metainfo.get('ori_video_length')
        if length is None:
            return True
        # By count, too: where frames are missing, numbers run ahead of it.
        return max(self.count, last.frame_id + 1) >= length

    def ready(self, ended: bool) -> Iterator[int]:
        """Positions of frames whose result can be made now, in order.

        Args:
            ended: No frame will follow.
        """
        for position, held in enumerate(self.frames):
            complete = position + self.context < len(self.frames)
            if not held.shown and (ended or complete):
                yield position
                held.shown = True
        self.frames = self.frames[-max(2 * self.context, 1) :]
