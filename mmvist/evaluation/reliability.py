"""Are the scores of matched, propagated and new boxes comparable?

The three kinds of box get their scores from one head, but reach it by different
ways. A reliability table per kind says how often an instance that claims a
score is right.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from .table import format_table

# by the number a prediction carries; new: detected alone
KINDS = ('matched', 'propagated', 'new')


def correct_predictions(
    similarity: np.ndarray,  # (truth, predictions)
    iou_thr: float = 0.5,
) -> np.ndarray:
    """Which predictions of one class in one frame hit a truth instance.

    One to one by Hungarian matching, pairs under ``iou_thr`` forbidden.

    Args:
        similarity: Mask IoU, (G, N).
        iou_thr: Least IoU of a hit.

    Returns:
        (N,) bool.
    """
    correct = np.zeros(similarity.shape[1], dtype=bool)
    allowed = similarity >= iou_thr - np.finfo('float').eps
    # as many hits as possible, then the greatest sum of IoU
    rows, cols = linear_sum_assignment(np.where(allowed, -similarity, 1e4))
    hit = allowed[rows, cols]
    correct[cols[hit]] = True
    return correct


@dataclass
class Reliability:
    """Score and correctness of every judged instance, by kind of box.

    Args:
        num_bins: Score bins of equal width over [0, 1].
    """

    num_bins: int = 10
    kinds: list[np.ndarray] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)
    correct: list[np.ndarray] = field(default_factory=list)

    def add(self, kinds: np.ndarray, scores: np.ndarray, correct: np.ndarray) -> None:
        """Add instances: kind, score in [0, 1] and bool, each (N,)."""
        self.kinds.append(kinds)
        self.scores.append(scores)
        self.correct.append(correct)

    def rows(self, kind: int) -> list[tuple[int, int, float, float]]:
        """(bin, count, mean score, fraction correct) of each bin in use."""
        scores, correct = self._of(kind)
        bins = np.clip((scores * self.num_bins).astype(int), 0, self.num_bins - 1)
        return [
            (
                int(b),
                int((bins == b).sum()),
                float(scores[bins == b].mean()),
                float(correct[bins == b].mean()),
            )
            for b in np.unique(bins)
        ]

    def summary(self) -> dict[str, float]:
        """``<kind>/count``, and where it is not 0 mean_score, precision, ece.

        The expected calibration error is the mean over instances of
        abs(fraction correct - mean score) of their bin. Empty where no
        prediction told its kind.
        """
        if not any(len(kinds) for kinds in self.kinds):
            return {}
        summary: dict[str, float] = {}
        for kind, name in enumerate(KINDS):
            scores, correct = self._of(kind)
            summary[f'{name}/count'] = len(scores)
            if len(scores):
                gaps = [n * abs(right - mean) for _, n, mean, right in self.rows(kind)]
                summary[f'{name}/mean_score'] = float(scores.mean())
                summary[f'{name}/precision'] = float(correct.mean())
                summary[f'{name}/ece'] = sum(gaps) / len(scores)
        return summary

    def table(self) -> str:
        """Bins from the lowest score in use, three columns for each kind."""
        summary = self.summary()
        bins = {
            kind: {row[0]: row[1:] for row in self.rows(kind)}
            for kind in range(len(KINDS))
        }
        used = [b for rows in bins.values() for b in rows]
        header = ['score']
        for name in KINDS:
            header += [name, 'score', 'correct']
        body = []
        for b in range(min(used), self.num_bins):
            row: list[object] = [
                f'{b / self.num_bins:.2f}-{(b + 1) / self.num_bins:.2f}'
            ]
            for kind in range(len(KINDS)):
                row += list(bins[kind].get(b) or (0, None, None))
            body.append(row)
        total: list[object] = ['all']
        ece: list[object] = ['ECE']
        for name in KINDS:
            total += [
                summary[f'{name}/count'],
                summary.get(f'{name}/mean_score'),
                summary.get(f'{name}/precision'),
            ]
            ece += ['', '', summary.get(f'{name}/ece')]
        title = 'Reliability per kind of box: count, mean score, fraction correct'
        return format_table(title, header, [*body, total, ece])

    def _of(self, kind: int) -> tuple[np.ndarray, np.ndarray]:
        empty = np.zeros(0)
        kinds = np.concatenate([empty, *self.kinds])
        scores = np.concatenate([empty, *self.scores])
        correct = np.concatenate([empty.astype(bool), *self.correct])
        return scores[kinds == kind], correct[kinds == kind]
