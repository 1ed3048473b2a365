"""Mask AP of the frames, against pycocotools and by hand."""

import contextlib
import io

import numpy as np
import pytest
from mmdet.evaluation import CocoMetric

from mmvist.evaluation import SegmMetric

CLASSES = ['car', 'pedestrian']


def metric_of(toy, tmp_path, videos, **kwargs):
    return SegmMetric(toy.write_truth(tmp_path / 'truth.json', videos, CLASSES))


def test_by_hand(toy, tmp_path):
    """A hit at IoU 0.8, a miss, a false alarm under it: AP 1/2 up to 0.8."""
    car, other = toy.box(0, 0, 4, 10), toy.box(10, 0, 14, 10)
    frame = toy.Frame(truth=[(1, 1, car), (1, 2, other)])
    frame.pred = [
        toy.pred(1, toy.box(0, 0, 4, 8), score=0.9),
        toy.pred(2, toy.box(18, 20, 22, 30), score=0.1),
    ]
    out = toy.evaluate(metric_of(toy, tmp_path, [[frame]]), [[frame]], CLASSES)
    half = 51 / 101  # precision 1 at the recalls 0, 0.01, ... 0.5
    assert out['coco/segm_mAP_50'] == pytest.approx(half)
    assert out['coco/segm_mAP_75'] == pytest.approx(half)
    assert out['coco/segm_mAP'] == pytest.approx(0.7 * half)  # 0.50 to 0.80
    assert out['coco/car/segm_mAP'] == out['coco/segm_mAP']
    assert 'coco/pedestrian/segm_mAP' not in out


def test_identities_do_not_count(toy, tmp_path):
    videos = toy.random_videos(3)
    one = toy.evaluate(metric_of(toy, tmp_path, videos), videos, CLASSES)
    for frame in (frame for frames in videos for frame in frames):
        for number, prediction in enumerate(frame.pred):
            prediction['id'] = number
    assert toy.evaluate(metric_of(toy, tmp_path, videos), videos, CLASSES) == one
    assert 0 < one['coco/segm_mAP'] < 1, 'a test of nothing'


@pytest.mark.parametrize('seed', [0, 1])
def test_equal_to_mmdets_coco_metric(toy, tmp_path, seed):
    """MMDetection's metric on the same file, without regions that are ignored."""
    videos = toy.random_videos(seed)
    frames = [frame for one in videos for frame in one]
    for frame in frames:
        frame.ignore = []
    metric = metric_of(toy, tmp_path, videos)
    ours = toy.evaluate(metric, videos, CLASSES)
    theirs = CocoMetric(ann_file=metric.ann_file, metric='segm')
    theirs.dataset_meta = dict(classes=CLASSES)
    for number, frame in enumerate(frames, 1):
        sample = toy.data_sample(number, frame.pred, ori_shape=toy.size)
        sample.pred_instances = sample.pred_track_instances
        theirs.process({}, [sample.to_dict()])
    with contextlib.redirect_stdout(io.StringIO()):
        numbers = theirs.evaluate(len(frames))
    assert len(numbers) == 6
    for name, value in numbers.items():
        assert ours[name] == pytest.approx(value, abs=5.1e-4), name


def test_a_region_that_is_not_judged_forgives(toy, tmp_path):
    car, region = toy.box(0, 0, 4, 10), toy.box(10, 0, 20, 10)
    frame = toy.Frame(truth=[(1, 1, car)], ignore=[region])
    frame.pred = [
        toy.pred(1, car, score=0.5),
        toy.pred(2, toy.box(11, 1, 15, 6), score=0.9),  # inside
    ]
    out = toy.evaluate(metric_of(toy, tmp_path, [[frame]]), [[frame]], CLASSES)
    assert out['coco/segm_mAP'] == pytest.approx(1)
    frame.ignore = []
    out = toy.evaluate(metric_of(toy, tmp_path, [[frame]]), [[frame]], CLASSES)
    assert out['coco/segm_mAP'] == pytest.approx(0.5)


def test_no_predictions_and_no_truth(toy, tmp_path):
    frame = toy.Frame(truth=[(1, 1, toy.box(0, 0, 4, 10))])
    out = toy.evaluate(metric_of(toy, tmp_path, [[frame]]), [[frame]], CLASSES)
    assert out['coco/segm_mAP'] == 0
    frame = toy.Frame(pred=[toy.pred(1, toy.box(0, 0, 4, 10))])
    out = toy.evaluate(metric_of(toy, tmp_path, [[frame]]), [[frame]], CLASSES)
    assert out['coco/segm_mAP'] == -1 and np.isfinite(list(out.values())).all()
