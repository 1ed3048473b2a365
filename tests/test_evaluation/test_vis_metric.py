import contextlib
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mmdet.evaluation.functional import YTVISeval
from mmdet.evaluation.metrics import YouTubeVISMetric, youtube_vis_metric
from mmdet.structures import TrackDataSample

from mmvist.evaluation import VISMetric
from mmvist.evaluation.numpy_aliases import NumPyWithAliases
from mmvist.evaluation.vis_metric import STATS
from mmvist.registry import METRICS

CLASSES = ['car', 'pedestrian']
ITEMS = ('mAP', 'mAP_50', 'mAP_75', 'AR@1', 'AR@10')


def run(toy, tmp_path, videos, classes=CLASSES, whole=True, **kwargs):
    truth = toy.write_truth(tmp_path / 'truth.json', videos, classes)
    return toy.evaluate(VISMetric(truth, **kwargs), videos, classes, whole)


def track(toy, frames, id, score, masks, label=0):
    for frame, mask in zip(frames, masks, strict=True):
        if mask is not None:
            frame.pred.append(toy.pred(id, mask, score, label))


def truth_frames(toy, *tracks):
    """One video; a track is (category, instance, masks)."""
    frames = [toy.Frame() for _ in tracks[0][2]]
    for cat, instance, masks in tracks:
        for frame, mask in zip(frames, masks, strict=True):
            if mask is not None:
                frame.truth.append((cat, instance, mask))
    return frames


def host_numbers(toy, videos, classes, monkeypatch):
    """MMDetection's own metric on whole videos, truth from the data samples.

    It cuts its numbers to three digits, so they are taken from its evaluator.
    """
    evaluators = []

    class Spy(YTVISeval):
        def __init__(self, *args):
            super().__init__(*args)
            evaluators.append(self)

    monkeypatch.setattr(youtube_vis_metric, 'YTVISeval', Spy)
    host = sys.modules[YTVISeval.__module__]
    monkeypatch.setattr(host, 'np', NumPyWithAliases('numpy'))  # mmdet 3.3
    metric = YouTubeVISMetric(metric_items=list(ITEMS))
    metric.dataset_meta = dict(classes=classes)
    img_id = 0
    for v, frames in enumerate(videos):
        samples = []
        for t, frame in enumerate(frames):
            img_id += 1
            one = toy.data_sample(
                img_id,
                frame.pred,
                video_id=v + 1,
                frame_id=t,
                ori_video_length=len(frames),
                ori_shape=toy.size,
            )
            instances = [
                dict(
                    bbox=[0, 0, 1, 1],
                    bbox_label=cat - 1,
                    instance_id=i,
                    mask=toy.encode(mask),
                )
                for cat, i, mask in frame.truth
            ]
            one.set_metainfo(dict(instances=instances))
            samples.append(one)
        sample = TrackDataSample()
        sample.video_data_samples = samples
        metric.process({}, [sample.to_dict()])
    with contextlib.redirect_stdout(io.StringIO()):
        rounded = metric.evaluate(len(videos))
    exact = dict(zip(STATS, evaluators[0].stats, strict=True))
    numbers = {f'youtube_vis/segm_{item}': exact[item] for item in ITEMS}
    assert numbers == pytest.approx(rounded, abs=5.001e-4)
    return numbers


@pytest.mark.parametrize(('seed', 'num_classes'), [(0, 2), (1, 3)])
def test_equal_to_the_hosts_metric(toy, tmp_path, monkeypatch, seed, num_classes):
    classes = ['cow', 'car', 'motorbike'][:num_classes]
    videos = toy.random_videos(seed, num_classes, num_videos=4)
    for frames in videos:
        for frame in frames:
            frame.ignore = []  # the host sees none
    expected = host_numbers(toy, videos, classes, monkeypatch)
    got = run(toy, tmp_path, videos, classes)
    assert 0.05 < got['youtube_vis/segm_mAP_50'] < 0.95
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert run(toy, tmp_path, videos, classes, whole=False) == got


def test_names_fit_the_evaluators_stats():
    """An evaluation in which every number tells where it comes from."""
    evaluator = YTVISeval()
    precision, recall = np.zeros((10, 101, 1, 4, 3)), np.zeros((10, 1, 4, 3))
    for a in range(4):
        precision[:, :, :, a, :] = 0.1 * a
        precision[0, :, :, a, :] += 0.01
        precision[5, :, :, a, :] += 0.02
        for m in range(3):
            recall[:, :, a, m] = 0.1 * a + 0.01 * m
    evaluator.eval = dict(precision=precision, recall=recall)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.summarize()
    by_name = dict(zip(STATS, evaluator.stats, strict=True))
    assert by_name == pytest.approx(
        {
            'mAP': 0.003,
            'mAP_50': 0.01,
            'mAP_75': 0.02,
            'mAP_s': 0.103,
            'mAP_m': 0.203,
            'mAP_l': 0.303,
            'AR@1': 0.0,
            'AR@10': 0.01,
            'AR@100': 0.02,
            'AR_s@100': 0.12,
            'AR_m@100': 0.22,
            'AR_l@100': 0.32,
        }
    )


def test_by_hand(toy, tmp_path):
    """Two cars in one video, one found at IoU 0.8, one missed."""
    first, second = toy.box(0, 0, 4, 10), toy.box(10, 0, 14, 10)
    frames = truth_frames(toy, (1, 1, [first] * 3), (1, 2, [second, None, second]))
    part = toy.box(0, 0, 4, 8)
    track(toy, frames, 5, 0.9, [part] * 3)
    out = run(toy, tmp_path, [frames])
    # recall 1/2 at the seven thresholds 0.5 to 0.8: 51 of 101 recall points
    assert out['youtube_vis/segm_mAP_50'] == pytest.approx(51 / 101)
    assert out['youtube_vis/segm_mAP_75'] == pytest.approx(51 / 101)
    assert out['youtube_vis/segm_mAP'] == pytest.approx(51 / 101 * 0.7)
    assert out['youtube_vis/segm_AR@1'] == pytest.approx(0.5 * 0.7)
    assert out['youtube_vis/segm_AR@10'] == pytest.approx(0.5 * 0.7)
    # no truth of pedestrians: left out
    assert out['youtube_vis/car/segm_mAP'] == out['youtube_vis/segm_mAP']
    assert 'youtube_vis/pedestrian/segm_mAP' not in out
    json.dumps(out)


def test_score_is_the_mean_and_class_the_majority(toy, tmp_path):
    mask = toy.box(0, 0, 4, 10)
    frames = truth_frames(toy, (2, 1, [mask] * 3))
    for frame, score, label in zip(frames, (0.3, 0.6, 0.9), (1, 0, 1), strict=True):
        frame.pred.append(toy.pred(4, mask, score, label))
    prefix = tmp_path / 'out/result'
    out = run(toy, tmp_path, [frames], outfile_prefix=str(prefix))
    assert out['youtube_vis/segm_mAP'] == pytest.approx(1)
    (saved,) = json.loads(prefix.with_suffix('.json').read_text())
    assert saved['score'] == pytest.approx(0.6)
    assert saved['video_id'] == 1 and saved['category_id'] == 2
    assert saved['segmentations'] == [toy.encode(mask)] * 3
    assert set(saved) == {'video_id', 'score', 'category_id', 'segmentations'}
    with zipfile.ZipFile(f'{prefix}.submission_file.zip') as archive:
        assert archive.namelist() == ['results.json']


def test_a_submission_has_the_ids_of_the_file(toy, tmp_path):
    """Not the places of videos and classes in it."""
    mask = toy.box(0, 0, 4, 10)
    frames = truth_frames(toy, (1, 1, [mask] * 2))
    track(toy, frames, 5, 0.9, [mask] * 2, label=1)
    path = Path(toy.write_truth(tmp_path / 'truth.json', [frames], ['cat', 'dog']))
    content = json.loads(path.read_text())
    content['categories'] = [dict(id=2, name='cat'), dict(id=5, name='dog')]
    content['videos'][0]['id'] = 9
    for image in content['images']:
        image['video_id'] = 9
    path.write_text(json.dumps(content | dict(annotations=[])))
    prefix = tmp_path / 'out'
    metric = VISMetric(str(path), format_only=True, outfile_prefix=str(prefix))
    toy.evaluate(metric, [frames], ['cat', 'dog'])
    (saved,) = json.loads(prefix.with_suffix('.json').read_text())
    assert (saved['video_id'], saved['category_id']) == (9, 5)
    assert saved['segmentations'] == [toy.encode(mask)] * 2


def test_no_predictions_at_all(toy, tmp_path):
    frames = truth_frames(toy, (1, 1, [toy.box(0, 0, 4, 10)] * 2))
    out = run(toy, tmp_path, [frames])
    assert [out[f'youtube_vis/segm_{item}'] for item in ITEMS] == [0] * 5


def test_no_truth_at_all(toy, tmp_path):
    frames = [toy.Frame(pred=[toy.pred(1, toy.box(0, 0, 4, 10))])]
    out = run(toy, tmp_path, [frames])
    assert [out[f'youtube_vis/segm_{item}'] for item in ITEMS] == [-1] * 5


def test_same_ids_in_two_videos(toy, tmp_path):
    """Instance ids of truth and predictions may start anew in each video."""
    mask, other = toy.box(0, 0, 4, 10), toy.box(10, 0, 14, 10)
    videos = []
    for _ in range(2):
        frames = truth_frames(toy, (1, 1, [mask] * 2), (1, 2, [other] * 2))
        track(toy, frames, 1, 0.9, [mask] * 2)
        track(toy, frames, 2, 0.8, [other] * 2)
        videos.append(frames)
    out = run(toy, tmp_path, videos)
    assert out['youtube_vis/segm_mAP'] == pytest.approx(1)
    assert out['youtube_vis/segm_AR@1'] == pytest.approx(0.5)


def test_repeated_id_goes_to_the_best_score(toy, tmp_path):
    mask = toy.box(0, 0, 4, 10)
    frames = truth_frames(toy, (1, 1, [mask] * 2))
    track(toy, frames, 1, 0.9, [mask] * 2)
    track(toy, frames[:1], 1, 0.2, [toy.box(18, 0, 20, 10)], label=1)
    out = run(toy, tmp_path, [frames])
    assert out['youtube_vis/repeated_ids_dropped'] == 1
    assert out['youtube_vis/segm_mAP'] == pytest.approx(1)


@pytest.mark.parametrize(('x', 'expected'), [(2, 1.0), (7, 0.5)])
def test_tracks_in_ignore_regions_do_not_count(toy, tmp_path, x, expected):
    """A track scored above the hit, wholly or to a quarter in the region."""
    mask, region = toy.box(0, 0, 4, 10), toy.box(10, 0, 24, 8)
    frames = truth_frames(toy, (1, 1, [mask] * 2))
    for frame in frames:
        frame.ignore = [region]
    track(toy, frames, 1, 0.9, [toy.box(12, x, 16, x + 4)] * 2)
    track(toy, frames, 2, 0.5, [mask] * 2)
    out = run(toy, tmp_path, [frames])
    # counted, it halves the precision at every recall
    assert out['youtube_vis/segm_mAP'] == pytest.approx(expected)


def test_crowd_of_a_class_forgives_that_class_alone(toy, tmp_path):
    mask, region = toy.box(0, 0, 4, 10), toy.box(10, 0, 24, 10)
    frames = truth_frames(toy, (1, 1, [mask]), (2, 2, [toy.box(5, 0, 9, 10)]))
    for label in (0, 1):
        frames[0].pred.append(
            toy.pred(label + 1, frames[0].truth[label][2], 0.5, label)
        )
        inside = toy.box(12 + 4 * label, 0, 16 + 4 * label, 4)
        frames[0].pred.append(toy.pred(label + 3, inside, 0.9, label))
    path = toy.write_truth(tmp_path / 'truth.json', [frames], CLASSES)
    with open(path) as f:
        data = json.load(f)
    data['annotations'].append(
        dict(data['annotations'][0], id=99, instance_id=9, iscrowd=1)
        | dict(segmentation=toy.encode(region))
    )
    with open(path, 'w') as f:
        json.dump(data, f)
    out = toy.evaluate(VISMetric(path), [frames], CLASSES)
    assert out['youtube_vis/car/segm_mAP'] == pytest.approx(1)
    assert out['youtube_vis/pedestrian/segm_mAP'] == pytest.approx(0.5)


def test_format_only_and_wrong_arguments(toy, tmp_path):
    frames = truth_frames(toy, (1, 1, [toy.box(0, 0, 4, 10)]))
    prefix = str(tmp_path / 'result')
    out = run(toy, tmp_path, [frames], format_only=True, outfile_prefix=prefix)
    assert out == {} and json.loads((tmp_path / 'result.json').read_text()) == []
    with pytest.raises(ValueError, match='outfile_prefix'):
        VISMetric('truth.json', format_only=True)
    with pytest.raises(KeyError, match='mAP_60'):
        VISMetric('truth.json', metric_items=['mAP_60'])


def test_registered(toy, tmp_path):
    metric = METRICS.build(dict(type='mmvist.VISMetric', ann_file='truth.json'))
    assert isinstance(metric, YouTubeVISMetric) and metric.prefix == 'youtube_vis'
