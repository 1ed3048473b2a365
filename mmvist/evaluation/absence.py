"""Identity through absence, and recall by how much of an object can be seen.

An absence is a run of frames without the instance between two in which it is
annotated. Where the box beside the absence touches the left or right, upper or lower
border, the object left the frame; otherwise something hid it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pycocotools import mask as mask_utils

from mmvist.datasets.errors import DataError

from .frame_errors import FrameErrors
from .rle import Rle
from .truth import TruthFrame, TruthVideo

BINS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Borders of the hidden fractions; the last bin includes 1."""
BORDER = 1.0
"""An object this near to the border of the frame, in pixels, is leaving it."""

Hidden = Mapping[str, Sequence[Mapping[str, float]]]
"""Video name to one mapping a frame: category id * 1000 + instance to fraction."""


@dataclass
class Absence:
    """An absence of an instance that had been found before.

    Attributes:
        frames: Its length.
        left: Whether the object left the frame; otherwise it was hidden.
        outcome: ``'kept'``, ``'switched'``, or ``'lost'``: not found until the
            video or the next absence.
    """

    frames: int
    left: bool
    outcome: str


@dataclass
class Followed:
    """Counts of one method.

    Attributes:
        absences: All of them.
        shown: Instances in frames, by bin of the hidden fraction.
        found: How many of them were found.
        switches: How many of them had changed identity.
    """

    absences: list[Absence] = field(default_factory=list)
    shown: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    found: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    switches: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def kept(self, left: bool, lengths: Sequence[int]) -> tuple[int, int]:
        """How many identities were kept over absences of these lengths, of how many."""
        outcomes = [
            one.outcome
            for one in self.absences
            if one.left == left and one.frames in lengths
        ]
        return outcomes.count('kept'), len(outcomes)

    def add(
        self,
        video: TruthVideo,
        errors: Sequence[FrameErrors],
        hidden: Sequence[Mapping[str, float]] | None = None,
    ) -> None:
        """Count a video.

        Args:
            video: The truth.
            errors: Of the method, by :func:`find_errors`.
            hidden: Hidden fraction of each instance, one mapping a frame.

        Raises:
            DataError: ``hidden`` is of another video.
        """
        self.absences += find_absences(video.frames, errors)
        if hidden is None:
            return
        ids = (one for frame in video.frames for one in frame.instance_ids)
        fractions = by_instance(hidden, ids)
        for t, (frame, one) in enumerate(zip(video.frames, errors, strict=True)):
            for row, identity in enumerate(one.ids):
                instance = frame.instance_ids[row]
                if t >= len(hidden) or instance not in fractions[t]:
                    raise DataError(
                        f'video {video.name}: the hidden fractions have no instance '
                        f'{instance} in frame {t}; are they of other clips?'
                    )
                place = bin_of(fractions[t][instance])
                self.shown[place] += 1
                self.found[place] += identity is not None
                self.switches[place] += row in one.switched


def by_instance(
    hidden: Sequence[Mapping[str, float]], ids: Iterable[int]
) -> list[dict[int, float]]:
    """Fractions by instance id.

    The converter of KITTI MOTS counts instances as they are first seen, those of one
    frame by ascending value.

    Args:
        hidden: One mapping a frame.
        ids: Of all instances of the video.
    """
    values: dict[str, None] = {}
    for frame in hidden:
        values.update(dict.fromkeys(v for v in sorted(frame, key=int) if frame[v] < 1))
    id_of = dict(zip(values, sorted(set(ids)), strict=False))
    return [
        {id_of[value]: share for value, share in frame.items() if value in id_of}
        for frame in hidden
    ]


def bin_of(fraction: float) -> int:
    """Number of the bin of ``BINS`` that a hidden fraction falls into."""
    return max(i for i, low in enumerate(BINS[:-1]) if fraction >= low)


def find_absences(
    frames: Sequence[TruthFrame], errors: Sequence[FrameErrors]
) -> list[Absence]:
    """Absences of a video, of instances that were found before; see the module.

    Args:
        frames: The truth, in order.
        errors: What a method made of each frame.
    """
    found: list[Absence] = []
    seen: dict[tuple[int, int], _Seen] = {}
    for t, (frame, one) in enumerate(zip(frames, errors, strict=True)):
        for row, key in enumerate(
            zip(frame.category_ids, frame.instance_ids, strict=True)
        ):
            touches = touches_border(frame, frame.rles[row])
            last = seen.setdefault(key, _Seen(t, touches))
            if t - last.frame > 1:
                last.pending = None
                if last.identity is not None:
                    left = last.touches or touches
                    last.pending = Absence(t - last.frame - 1, left, 'lost')
                    found.append(last.pending)
            last.frame, last.touches = t, touches
            identity = one.ids[row]
            if identity is None:
                continue
            if last.pending is not None:
                same = identity == last.identity
                last.pending.outcome = 'kept' if same else 'switched'
                last.pending = None
            last.identity = identity
    return found


@dataclass
class _Seen:
    frame: int
    touches: bool
    identity: int | None = None
    pending: Absence | None = None


def touches_border(frame: TruthFrame, rle: Rle) -> bool:
    """Whether a mask reaches the border of its frame."""
    x, y, width, height = mask_utils.toBbox(rle)
    return bool(
        min(x, y) < BORDER
        or x + width > frame.width - BORDER
        or y + height > frame.height - BORDER
    )


def load_hidden(path: str | Path) -> Hidden:
    """Read the ``hidden.json`` of generated clips.

    Raises:
        DataError: It is missing or of another kind.
    """
    try:
        hidden = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read ({error})') from None
    if not isinstance(hidden, dict) or not all(
        isinstance(frames, list) for frames in hidden.values()
    ):
        raise DataError(f'{path}: is no list of hidden fractions by video')
    return hidden
