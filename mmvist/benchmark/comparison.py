"""Mean and spread over seeds, and a paired bootstrap over clips.

A clip that is hard is hard for every method: the difference of two rows is taken on
the same draw of clips, and on the runs of the same seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmvist.evaluation.trackeval_mots import FIELDS, combine_videos
from mmvist.evaluation.video_results import VideoResults

DRAWS = 1000
COLUMNS = tuple(name for name in FIELDS if name not in ('DetA', 'GT'))


@dataclass
class Interval:
    """Difference of a row to another one.

    Attributes:
        mean: On the clips as they are, over the seeds.
        low: Its 2.5 % quantile over the draws.
        high: Its 97.5 % quantile.
    """

    mean: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def draw_clips(count: int, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Clips with replacement, (draws, count) indices; the same for every row."""
    return np.random.default_rng(seed).integers(count, size=(draws, count))


def resample(
    classes: Sequence[str], videos: VideoResults, draws: np.ndarray
) -> dict[str, np.ndarray]:
    """The overall numbers of one run on each draw of its clips.

    Args:
        classes: Class names.
        videos: What was counted in each clip.
        draws: (R, clips) indices into the clips, in the order of their names.

    Returns:
        (R + 1,) of each of ``COLUMNS``: the clips as they are, then the draws.
    """
    names = sorted(videos)
    rows = [np.arange(len(names)), *draws]
    numbers = [
        combine_videos(
            classes, {str(i): videos[names[clip]] for i, clip in enumerate(row)}
        )[1]
        for row in rows
    ]
    return {
        name: np.array([one[name] for one in numbers], dtype=float) for name in COLUMNS
    }


def compare(
    row: Mapping[int, Mapping[str, np.ndarray]],
    reference: Mapping[int, Mapping[str, np.ndarray]],
) -> dict[str, Interval]:
    """Differences of a row to the reference, over the seeds that both have.

    Args:
        row: Seed to the result of :func:`resample`.
        reference: The same of the row that is compared to.

    Returns:
        Of each of ``COLUMNS``; empty where they share no seed.
    """
    seeds = sorted(set(row) & set(reference))
    if not seeds:
        return {}
    found = {}
    for name in COLUMNS:
        gaps = np.mean([row[s][name] - reference[s][name] for s in seeds], axis=0)
        low, high = np.quantile(gaps[1:], [0.025, 0.975])
        found[name] = Interval(float(gaps[0]), float(low), float(high))
    return found


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over seeds (of a sample; 0 for one seed)."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)), deviation
