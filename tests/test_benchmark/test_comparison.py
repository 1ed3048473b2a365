"""A paired bootstrap over clips, against one that counts by hand."""

import numpy as np
import pytest

from mmvist.benchmark.comparison import (
    COLUMNS,
    compare,
    draw_clips,
    resample,
    spread,
)
from mmvist.evaluation.rle import encode_masks
from mmvist.evaluation.trackeval_mots import SequenceFrame, judge_videos
from mmvist.evaluation.video_results import read_video_results, write_video_results

CLASSES = ['car', 'pedestrian']


def video(rng: np.random.Generator, miss: float, frames: int = 6) -> list:
    """A car and a pedestrian that are found with probability 1 - ``miss``."""
    masks = np.zeros((2, 16, 16), dtype=bool)
    masks[0, :6, :6] = masks[1, 8:14, 8:12] = True
    rles = encode_masks(masks)
    nothing = encode_masks(np.zeros((1, 16, 16), dtype=bool))[0]
    result = []
    for t in range(frames):
        found = [i for i in range(2) if rng.random() >= miss]
        result.append(
            SequenceFrame(
                gt_ids=np.array([1, 2]),
                gt_labels=np.array([0, 1]),
                gt_masks=rles,
                pred_ids=np.array([10 * (t > 3) + i for i in found], dtype=int),
                pred_labels=np.array(found, dtype=int),
                pred_masks=[dict(rles[i]) for i in found],
                ignore_region=nothing,
            )
        )
    return result


def judged(seed: int, miss: float, clips: int = 5) -> dict:
    rng = np.random.default_rng(seed)
    videos = [(str(i), video(rng, miss)) for i in range(clips)]
    return judge_videos(CLASSES, videos)[0]


def test_a_draw_counts_a_clip_as_often_as_it_was_drawn() -> None:
    results = judged(0, 0.4)
    draws = np.array([[0, 0, 0, 3, 4], [1, 1, 1, 1, 1]])
    found = resample(CLASSES, results, draws)
    assert set(found) == set(COLUMNS)

    def count(clip: int, field: str) -> float:
        return sum(results[str(clip)][cls]['CLEAR'][field] for cls in CLASSES)

    for place, clips in enumerate([[0, 1, 2, 3, 4], *draws.tolist()]):
        hits = sum(count(clip, 'CLR_TP') for clip in clips)
        false = sum(count(clip, 'CLR_FP') for clip in clips)
        switches = sum(count(clip, 'IDSW') for clip in clips)
        overlap = sum(count(clip, 'MOTP_sum') for clip in clips)
        assert found['TP'][place] == hits
        assert found['FN'][place] == 60 - hits
        assert found['IDS'][place] == switches
        expected = (overlap - false - switches) / 60
        assert found['sMOTSA'][place] == pytest.approx(expected, abs=1e-12)
    # a clip five times over has the ratios of the clip once
    once = resample(CLASSES, {'1': results['1']}, np.zeros((0, 1), dtype=int))
    for name in ('HOTA', 'AssA', 'IDF1', 'MOTSP'):
        assert found[name][2] == pytest.approx(once[name][0], abs=1e-12)


def test_differences_are_paired_by_clip_and_seed() -> None:
    draws = draw_clips(5, draws=200)
    assert (draws == draw_clips(5, draws=200)).all()
    assert (draws.min(), draws.max()) == (0, 4)
    ours = {s: resample(CLASSES, judged(s, 0.1), draws) for s in (0, 1)}
    theirs = {s: resample(CLASSES, judged(s, 0.5), draws) for s in (0, 1, 2)}
    found = compare(theirs, ours)
    gaps = [theirs[s]['sMOTSA'] - ours[s]['sMOTSA'] for s in (0, 1)]
    mean = np.mean(gaps, axis=0)
    assert found['sMOTSA'].mean == pytest.approx(mean[0])
    assert found['sMOTSA'].low == pytest.approx(np.quantile(mean[1:], 0.025))
    assert found['sMOTSA'].high == pytest.approx(np.quantile(mean[1:], 0.975))
    assert found['sMOTSA'].high < 0 and found['sMOTSA'].certain
    assert found['FN'].low > 0
    # the same run differs from itself nowhere, which an unpaired draw would hide
    itself = compare(ours, ours)
    assert all((one.low, one.mean, one.high) == (0, 0, 0) for one in itself.values())
    assert not itself['sMOTSA'].certain
    assert compare({0: ours[0]}, {1: ours[1]}) == {}


def test_results_by_video_survive_the_file(tmp_path) -> None:
    results = judged(3, 0.3)
    path = tmp_path / 'new' / 'videos.json'
    write_video_results(path, CLASSES, results)
    classes, read = read_video_results(path)
    assert classes == CLASSES
    draws = draw_clips(5, draws=3)
    before, after = resample(CLASSES, results, draws), resample(CLASSES, read, draws)
    for name in COLUMNS:
        assert (before[name] == after[name]).all()


def test_spread_is_that_of_a_sample() -> None:
    assert spread([1.0, 3.0]) == (2.0, pytest.approx(np.sqrt(2)))
    assert spread([5.0]) == (5.0, 0.0)
