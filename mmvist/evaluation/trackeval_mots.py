"""TrackEval's KITTI MOTS benchmark on sequences in memory, for any class list.

This module imports ``trackeval``, so it is imported only where a metric is
computed. Preprocessing (Hungarian matching at IoU 0.5, then unmatched
predictions that lie by more than half in ignore regions removed) and metrics
are TrackEval's own code; here is only what feeds it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from trackeval.datasets import KittiMOTS
from trackeval.datasets._base_dataset import _BaseDataset
from trackeval.eval import eval_sequence
from trackeval.metrics import CLEAR, HOTA, Count, Identity

from .reliability import Reliability, correct_predictions
from .rle import Rle
from .video_results import VideoResults

# the name that this package gives to a number -> where TrackEval has it
FIELDS = {
    'sMOTSA': ('CLEAR', 'sMOTA'),
    'MOTSA': ('CLEAR', 'MOTA'),
    'MOTSP': ('CLEAR', 'MOTP'),
    'TP': ('CLEAR', 'CLR_TP'),
    'FP': ('CLEAR', 'CLR_FP'),
    'FN': ('CLEAR', 'CLR_FN'),
    'IDS': ('CLEAR', 'IDSW'),
    'HOTA': ('HOTA', 'HOTA'),
    'DetA': ('HOTA', 'DetA'),
    'AssA': ('HOTA', 'AssA'),
    'IDF1': ('Identity', 'IDF1'),
    'GT': ('Count', 'GT_Dets'),
}
COUNTS = ('TP', 'FP', 'FN', 'IDS', 'GT')


@dataclass
class SequenceFrame:
    """Truth and predictions of one frame; lists are aligned per side.

    A prediction's mask dict may carry ``score`` and ``kind`` beside the RLE: it
    passes through TrackEval untouched.
    """

    gt_ids: np.ndarray  # (G,)
    gt_labels: np.ndarray  # (G,) index in the class list
    gt_masks: list[Rle]
    pred_ids: np.ndarray  # (N,)
    pred_labels: np.ndarray  # (N,)
    pred_masks: list[dict[str, Any]]
    ignore_region: Rle


class InMemoryMOTS(KittiMOTS):
    """One sequence at a time, handed over instead of read from txt files.

    Args:
        classes: Class names; label i is ``classes[i]``.
        iou_thr: Least IoU of a correct prediction in ``reliability``.
    """

    def __init__(self, classes: Sequence[str], iou_thr: float = 0.5) -> None:
        _BaseDataset.__init__(self)  # KittiMOTS's own looks for files
        self.class_list = list(classes)
        self.class_name_to_class_id = {name: i for i, name in enumerate(classes)}
        self.should_classes_combine = True
        self.frames: list[SequenceFrame] = []
        self.reliability = Reliability()
        self.iou_thr = iou_thr

    def _load_raw_file(self, tracker: str, seq: str, is_gt: bool) -> dict[str, Any]:
        side = 'gt' if is_gt else 'pred'
        out = 'gt' if is_gt else 'tracker'
        raw: dict[str, Any] = {
            f'{out}_ids': _contiguous(getattr(f, f'{side}_ids') for f in self.frames),
            f'{out}_classes': [getattr(f, f'{side}_labels') for f in self.frames],
            f'{out}_dets': [getattr(f, f'{side}_masks') for f in self.frames],
            'num_timesteps': len(self.frames),
            'seq': seq,
        }
        if is_gt:
            raw['gt_ignore_region'] = [frame.ignore_region for frame in self.frames]
        return raw

    def get_preprocessed_seq_data(self, raw_data: dict, cls: str) -> dict:
        """TrackEval's preprocessing; what is left is judged for reliability."""
        data = super().get_preprocessed_seq_data(raw_data, cls)
        for similarity, dets in zip(
            data['similarity_scores'], data['tracker_dets'], strict=True
        ):
            told = [i for i, det in enumerate(dets) if 'kind' in det]
            correct = correct_predictions(similarity, self.iou_thr)
            self.reliability.add(
                np.array([dets[i]['kind'] for i in told], dtype=int),
                np.array([dets[i]['score'] for i in told], dtype=float),
                correct[told],
            )
        return data


def judge_videos(
    classes: Sequence[str],
    sequences: Iterable[tuple[str, list[SequenceFrame]]],
    iou_thr: float = 0.5,
) -> tuple[VideoResults, Reliability]:
    """Run TrackEval's CLEAR, HOTA and Identity on each video by itself.

    Args:
        classes: Class names.
        sequences: (name, frames in order) of every video; the names differ.
        iou_thr: IoU of a hit in CLEAR and Identity. TrackEval's preprocessing
            stays at 0.5, and HOTA goes through its own thresholds.

    Returns:
        TrackEval's fields of each video, class and metric, and the reliability of
        the scores.
    """
    dataset = InMemoryMOTS(classes, iou_thr)
    metrics = _metrics(iou_thr)
    names = [metric.get_name() for metric in metrics]
    by_video = {}
    for name, frames in sequences:
        dataset.frames = frames
        by_video[name] = eval_sequence(
            name, dataset, 'memory', dataset.class_list, metrics, names
        )
    return by_video, dataset.reliability


def combine_videos(
    classes: Sequence[str], by_video: VideoResults
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """The numbers of some videos together.

    Args:
        classes: Class names.
        by_video: Results of :func:`judge_videos`; any choice of them, and the names
            are free, so that one video may stand there twice.

    Returns:
        The numbers of each class, and those of all classes together
        (``combine_classes_det_averaged``: counts summed, ratios from the sums).
        Names as in ``FIELDS``.
    """
    per_class: dict[str, dict] = {cls: {} for cls in classes}
    overall: dict[str, dict] = {}
    for metric in _metrics():
        name = metric.get_name()
        for cls in classes:
            parts = {video: result[cls][name] for video, result in by_video.items()}
            per_class[cls][name] = metric.combine_sequences(parts)
        overall[name] = metric.combine_classes_det_averaged(
            {cls: result[name] for cls, result in per_class.items()}
        )
    numbers = {cls: _select(result) for cls, result in per_class.items()}
    return numbers, _select(overall)


def _metrics(iou_thr: float = 0.5) -> list[Any]:
    config = {'THRESHOLD': iou_thr, 'PRINT_CONFIG': False}
    return [HOTA(), CLEAR(dict(config)), Identity(dict(config)), Count()]


def _select(results: dict[str, dict]) -> dict[str, float]:
    selected = {
        name: float(np.mean(results[metric][field]))
        for name, (metric, field) in FIELDS.items()
    }
    return {k: int(v) if k in COUNTS else v for k, v in selected.items()}


def _contiguous(ids: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Number ids from 0: TrackEval makes an array as long as the largest."""
    ids = list(ids)
    _, numbers = np.unique(np.concatenate(ids), return_inverse=True)
    return np.split(numbers, np.cumsum([len(part) for part in ids])[:-1])
