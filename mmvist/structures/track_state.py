"""What a tracker remembers of a video.

The state holds one row a track and two images, whatever the length of the
video: nothing of older frames is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .clip import Frame
from .motion import Motion


@dataclass
class Tracks:
    """A table of M live and lost tracks.

    Attributes:
        ids: Identities, (M,) long, from 1 on.
        boxes: Last box, xyxy, (M, 4); of a lost track the box of the whole object,
            moved on in each frame.
        class_probs: Sum of the class probabilities so far, (M, C).
        scores: Score in the last frame in which the track was seen, (M,).
        ages: Frames since the track was seen, (M,) long; 0 is live.
        motion: Sizes and velocities.
    """

    ids: Tensor
    boxes: Tensor
    class_probs: Tensor
    scores: Tensor
    ages: Tensor
    motion: Motion

    @classmethod
    def empty(cls, num_classes: int, device: torch.device | str = 'cpu') -> Tracks:
        """A table without rows."""
        return cls(
            ids=torch.zeros(0, dtype=torch.long, device=device),
            boxes=torch.zeros(0, 4, device=device),
            class_probs=torch.zeros(0, num_classes, device=device),
            scores=torch.zeros(0, device=device),
            ages=torch.zeros(0, dtype=torch.long, device=device),
            motion=Motion.start(torch.zeros(0, 4, device=device)),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Tensor) -> Tracks:
        """The rows of a boolean mask or of an index."""
        return Tracks(**{name: value[rows] for name, value in vars(self).items()})

    @property
    def labels(self) -> Tensor:
        """The running class of each track, (M,) long."""
        return running_labels(self.class_probs)

    @property
    def lost(self) -> Tensor:
        """Which tracks were not seen in the last frame, (M,) bool."""
        return self.ages > 0

    def past_probs(self, track_rows: Tensor) -> Tensor:
        """Sums of class probabilities so far; 0 for a row of -1.

        Args:
            track_rows: Rows of known instances, -1 for new ones, (N,) long.

        Returns:
            (N, C).
        """
        past = self.class_probs.new_zeros(len(track_rows), self.class_probs.shape[1])
        known = track_rows >= 0
        past[known] = self.class_probs[track_rows[known]]
        return past

    @staticmethod
    def cat(tables: list[Tracks]) -> Tracks:
        """Stack tables."""
        names = vars(tables[0])
        columns = {name: [vars(one)[name] for one in tables] for name in names}
        motion = Motion.cat(columns.pop('motion'))
        return Tracks(
            **{name: torch.cat(parts) for name, parts in columns.items()}, motion=motion
        )


def running_labels(class_probs: Tensor) -> Tensor:
    """Most likely class by sums of class probabilities, (M, C) to (M,) long."""
    if len(class_probs) == 0:
        return torch.zeros(0, dtype=torch.long, device=class_probs.device)
    return class_probs.argmax(dim=1)


@dataclass
class VideoState:
    """All that :meth:`VAEVIST.step` remembers between two frames.

    Attributes:
        video_id: The video that the state belongs to.
        frame_id: The last frame that was seen.
        next_id: The first identity that is still free.
        tracks: Live and lost tracks, boxes in network pixels.
        frame: F_{t-1}, (1, 3, H, W), normalised and padded.
        combined_mask: Lambda_{t-1}, (1, 1, H, W).
        steps: Frames seen so far, which ``detect_interval`` counts.
    """

    video_id: object
    frame_id: int
    next_id: int
    tracks: Tracks
    frame: Tensor | None = None
    combined_mask: Tensor | None = None
    steps: int = 0

    @classmethod
    def before(
        cls, frame: Frame, state: VideoState | None, num_classes: int
    ) -> VideoState:
        """The state to start ``frame`` from: ``state`` if it is that of t-1.

        Otherwise the recurrence begins anew. Within a video the identities are
        counted on, so that none is given twice; frame 0 begins it afresh.

        Raises:
            ValueError: The frame has another size than the one before it.
        """
        tracks = Tracks.empty(num_classes, frame.image.device)
        fresh = cls(frame.video_id, frame.frame_id - 1, 1, tracks)
        if state is None or state.video_id != frame.video_id or frame.frame_id == 0:
            return fresh
        if frame.frame_id != state.frame_id + 1:
            fresh.next_id = state.next_id
            return fresh
        if state.frame is not None and state.frame.shape != frame.image.shape:
            raise ValueError(
                f'frame {frame.frame_id} of video {frame.video_id} has input size '
                f'{tuple(frame.image.shape[-2:])}, the frame before '
                f'{tuple(state.frame.shape[-2:])}: a video has one size'
            )
        return state
