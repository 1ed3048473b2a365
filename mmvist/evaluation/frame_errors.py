"""What a method gets wrong in each frame: objects missed, identities switched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pycocotools import mask as mask_utils

from .rle import Rle
from .truth import TruthFrame


@dataclass
class PredictedFrame:
    """Predictions of one frame; the fields are aligned.

    Attributes:
        ids: Identities.
        rles: Masks in original pixels.
        labels: Index of the category in the annotation file; empty where that is
            not known.
    """

    ids: list[int] = field(default_factory=list)
    rles: list[Rle] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


@dataclass
class FrameErrors:
    """How the instances of a true frame were followed; rows are theirs.

    Attributes:
        ious: Of each instance the IoU of the mask that covers it best.
        ids: Its identity, or None where the IoU is too small: missed.
        switched: Row to the identity that it had when it was last found, where
            that is another one.
    """

    ious: list[float]
    ids: list[int | None]
    switched: dict[int, int]

    @property
    def missed(self) -> list[int]:
        """Rows of instances that no mask covers."""
        return [row for row, identity in enumerate(self.ids) if identity is None]

    def state(self, row: int) -> str:
        """``'missed'``, ``'switched'`` or ``'followed'``."""
        if self.ids[row] is None:
            return 'missed'
        return 'switched' if row in self.switched else 'followed'


def best_matches(
    frame: TruthFrame, rles: Sequence[Rle], ids: Sequence[int]
) -> list[tuple[float, int]]:
    """IoU and identity of the mask that covers each true instance best.

    Args:
        frame: The truth.
        rles: N predicted masks.
        ids: Their identities.

    Returns:
        A pair for each instance of ``frame``; (0, -1) where nothing is predicted.
    """
    if not len(rles) or not frame.rles:
        return [(0.0, -1)] * len(frame.rles)
    ious = mask_utils.iou(list(rles), frame.rles, [0] * len(frame.rles))
    best = ious.argmax(axis=0)
    return [(float(ious[one, row]), int(ids[one])) for row, one in enumerate(best)]


def find_errors(
    frames: Sequence[TruthFrame],
    predicted: Mapping[int, PredictedFrame],
    iou_thr: float = 0.5,
) -> list[FrameErrors]:
    """Follow the instances of a video through a prediction.

    Args:
        frames: The truth, in order.
        predicted: Prediction by image id; a frame without one is empty.
        iou_thr: From here on a mask covers an instance, whatever its class.

    Returns:
        One result a frame.
    """
    last: dict[int, int] = {}
    results = []
    for frame in frames:
        found = predicted.get(frame.img_id) or PredictedFrame()
        pairs = best_matches(frame, found.rles, found.ids)
        errors = FrameErrors(
            ious=[iou for iou, _ in pairs],
            ids=[one if iou >= iou_thr else None for iou, one in pairs],
            switched={},
        )
        for row, (instance, identity) in enumerate(
            zip(frame.instance_ids, errors.ids, strict=True)
        ):
            if identity is None:
                continue
            if last.get(instance, identity) != identity:
                errors.switched[row] = last[instance]
            last[instance] = identity
        results.append(errors)
    return results


def difference(methods: Sequence[FrameErrors]) -> int:
    """How many instances of a frame the methods follow differently.

    Args:
        methods: The frame's result of each; of one alone its errors are counted.
    """
    states = [{one.state(row) for one in methods} for row in range(len(methods[0].ids))]
    if len(methods) == 1:
        return sum(one != {'followed'} for one in states)
    return sum(len(one) > 1 for one in states)


def choose_frames(methods: Sequence[Sequence[FrameErrors]], count: int) -> list[int]:
    """Where methods differ most.

    A frame counts the instances that the methods follow differently, then how far
    their IoUs are apart; of one method, its errors. Chosen frames keep some
    distance, so that they do not all show one moment; of equals the first counts.

    Args:
        methods: Of each method its results, frame by frame.
        count: How many frames; a short video gives fewer.

    Returns:
        Positions in the video, ascending.
    """
    weights = [_weight(frames) for frames in zip(*methods, strict=True)]
    length = len(weights)
    order = sorted(range(length), key=lambda t: (*weights[t], t))
    distance = max(1, length // (2 * count))
    chosen: list[int] = []
    while len(chosen) < min(count, length):
        far = [t for t in order if all(abs(t - other) >= distance for other in chosen)]
        chosen += far[:1]
        distance -= not far
    return sorted(chosen)


def _weight(frames: Sequence[FrameErrors]) -> tuple[int, float]:
    """Negative, so that the largest difference sorts first."""
    columns = list(zip(*(one.ious for one in frames), strict=True))
    spread = sum(max(column) - min(column) for column in columns)
    return -difference(frames), -round(spread, 6)
