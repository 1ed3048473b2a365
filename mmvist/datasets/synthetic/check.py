"""How hard a set is to link: identity switches of two linkers fed with the truth.

Plain IoU linking must fail often enough that a method that sees the motion can
show it, and linking that knows the motion must hardly ever fail, or nobody could.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

# identity -> (class, box as x1, y1, x2, y2 in pixels)
FrameTruth = dict[int, tuple[int, tuple[float, float, float, float]]]


@dataclass
class LinkReport:
    """Counts over a set.

    Attributes:
        boxes: True boxes.
        switches: Of plain IoU linking.
        oracle_switches: Of linking that knows the true displacement.
        long_absences: Times that an identity is back after more than ``keep``
            frames.
    """

    boxes: int = 0
    switches: int = 0
    oracle_switches: int = 0
    long_absences: int = 0

    @property
    def rate(self) -> float:
        """Switches of plain linking per true box."""
        return self.switches / max(self.boxes, 1)

    @property
    def oracle_rate(self) -> float:
        """Switches of the oracle per true box."""
        return self.oracle_switches / max(self.boxes, 1)

    @property
    def long_absence_rate(self) -> float:
        """Long absences per true box."""
        return self.long_absences / max(self.boxes, 1)

    def __str__(self) -> str:
        return (
            f'{self.boxes} boxes; identity switches of IoU linking '
            f'{self.rate:.2%}, of the oracle {self.oracle_rate:.2%}; '
            f'long absences {self.long_absence_rate:.2%}'
        )

    def __add__(self, other: 'LinkReport') -> 'LinkReport':
        return LinkReport(
            self.boxes + other.boxes,
            self.switches + other.switches,
            self.oracle_switches + other.oracle_switches,
            self.long_absences + other.long_absences,
        )


def link_report(
    frames: Sequence[FrameTruth],
    size: tuple[int, int],
    gate: float = 0.5,
    keep: int = 5,
) -> LinkReport:
    """Link one video both ways; for the arguments see :func:`count_switches`."""
    last: dict[int, int] = {}
    absences = 0
    for t, frame in enumerate(frames):
        for identity in frame:
            absences += t - last.get(identity, t) > keep + 1
            last[identity] = t
    return LinkReport(
        boxes=sum(len(frame) for frame in frames),
        switches=count_switches(frames, gate, keep),
        oracle_switches=count_switches(frames, gate, keep, oracle_size=size),
        long_absences=absences,
    )


@dataclass
class _Link:
    label: int
    box: np.ndarray  # (4,) of the last match, moved on while lost by the oracle
    seen: int
    step: np.ndarray  # (4,) last displacement
    identity: int


def count_switches(
    frames: Sequence[FrameTruth],
    gate: float = 0.5,
    keep: int = 5,
    oracle_size: tuple[int, int] | None = None,
) -> int:
    """Link true boxes frame by frame with the Hungarian method and count switches.

    The cost is 1 - IoU; pairs of different class or with an IoU below ``gate``
    are forbidden; an unmatched box starts a track; a track not matched for more
    than ``keep`` frames is deleted. A switch, as in the CLEAR metrics: the track
    of a true identity is not the one it had before.

    Args:
        frames: The truth of one video.
        gate: Smallest IoU of a pair.
        keep: Frames that a lost track is kept.
        oracle_size: (height, width) of the frames: move each track by the true
            displacement of its box's centre (a lost one by its last one) and
            clip it to the frame before matching. None, plain linking, leaves
            it at its last box.

    Returns:
        Number of switches.
    """
    tracks: dict[int, _Link] = {}
    track_of: dict[int, int] = {}
    next_id, switches = 0, 0
    for t, frame in enumerate(frames):
        tracks = {k: v for k, v in tracks.items() if t - v.seen <= keep + 1}
        if oracle_size:
            for track in tracks.values():
                if track.seen == t - 1 and track.identity in frame:
                    track.step = _shift(track.box, frame[track.identity][1])
                track.box = track.box + track.step
        ids, names = list(tracks), list(frame)
        found = [tracks[k] for k in ids]
        pairs = _match(found, [frame[n] for n in names], gate, oracle_size)
        assigned = {names[j]: ids[i] for i, j in pairs}
        for name, (label, box) in frame.items():
            corners = np.asarray(box, dtype=np.float64)
            if name not in assigned:
                assigned[name] = next_id
                tracks[next_id] = _Link(label, corners, t, np.zeros(4), name)
                next_id += 1
            track = tracks[assigned[name]]
            track.box, track.seen, track.identity = corners, t, name
            switches += track_of.get(name, assigned[name]) != assigned[name]
            track_of[name] = assigned[name]
    return switches


def _shift(before: np.ndarray, after: Iterable[float]) -> np.ndarray:
    """Displacement of the centre, as (dx, dy, dx, dy)."""
    moved = np.asarray(after, dtype=np.float64) - before
    dx, dy = (moved[0] + moved[2]) / 2, (moved[1] + moved[3]) / 2
    return np.array([dx, dy, dx, dy])


def _match(
    tracks: Sequence[_Link],
    truths: Sequence[tuple[int, tuple[float, float, float, float]]],
    gate: float,
    size: tuple[int, int] | None,
) -> list[tuple[int, int]]:
    """Pairs (track, truth) of least cost, none of them forbidden."""
    if not tracks or not truths:
        return []
    a = np.stack([track.box for track in tracks])[:, None]
    if size:
        a = np.clip(a, 0, [size[1], size[0], size[1], size[0]])
    b = np.asarray([box for _, box in truths], dtype=np.float64)[None]
    size = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    inter = np.prod(np.maximum(size, 0), axis=-1)
    area_a = np.prod(a[..., 2:] - a[..., :2], axis=-1)
    area_b = np.prod(b[..., 2:] - b[..., :2], axis=-1)
    iou = inter / np.maximum(area_a + area_b - inter, 1e-9)
    labels = np.array([t.label for t in tracks])[:, None]
    allowed = (iou >= gate) & (labels == np.array([label for label, _ in truths]))
    # a forbidden pair costs more than all allowed ones together
    cost = np.where(allowed, 1 - iou, 1e3)
    rows, cols = linear_sum_assignment(cost)
    return [(i, j) for i, j in zip(rows, cols, strict=True) if allowed[i, j]]
