import contextlib
import io
import json

import numpy as np
import pytest
from mmengine.hooks import CheckpointHook
from mmengine.logging import MMLogger
from pycocotools import mask as mask_utils

from mmvist.evaluation import MOTSMetric, frame_records
from mmvist.registry import METRICS

CLASSES = ['car', 'pedestrian']
RATIOS = ('sMOTSA', 'MOTSA', 'MOTSP', 'HOTA', 'DetA', 'AssA', 'IDF1')
COUNTS = ('TP', 'FP', 'FN', 'IDS', 'GT')


def metric_of(toy, tmp_path, videos, classes=CLASSES, **kwargs):
    truth = toy.write_truth(tmp_path / 'truth.json', videos, classes)
    return MOTSMetric(truth, **kwargs)


@pytest.fixture
def hand_videos(toy):
    """Car 1 in four frames: hit, hit at IoU 0.8 with a new id, missed, hit;
    one false positive in the last frame. A pedestrian in frames 0 and 1, hit."""
    car, walker = toy.box(0, 0, 4, 10), toy.box(10, 0, 14, 4)
    frames = [toy.Frame(truth=[(1, 1, car)]) for _ in range(4)]
    frames[0].pred = [toy.pred(7, car)]
    frames[1].pred = [toy.pred(8, toy.box(0, 0, 4, 8))]
    frames[3].pred = [toy.pred(8, car), toy.pred(9, toy.box(18, 20, 22, 30))]
    for frame in frames[:2]:
        frame.truth.append((2, 2, walker))
        frame.pred.append(toy.pred(3, walker, label=1))
    return [frames]


def test_counts_by_hand(toy, tmp_path, hand_videos):
    metric = metric_of(toy, tmp_path, hand_videos)
    out = toy.evaluate(metric, hand_videos, CLASSES)
    car = {k: out[f'mots/car/{k}'] for k in RATIOS + COUNTS}
    assert [car[k] for k in COUNTS] == [3, 1, 1, 1, 4]
    assert car['MOTSP'] == pytest.approx((1 + 0.8 + 1) / 3, abs=1e-12)
    assert car['MOTSA'] == pytest.approx((3 - 1 - 1) / 4, abs=1e-12)
    assert car['sMOTSA'] == pytest.approx((2.8 - 1 - 1) / 4, abs=1e-12)
    # best pairing of identities: car 1 with 8, twice
    assert car['IDF1'] == pytest.approx(2 / (2 + 0.5 * 2 + 0.5 * 2), abs=1e-12)
    assert out['mots/pedestrian/sMOTSA'] == 1 and out['mots/pedestrian/HOTA'] == 1
    # counts summed over classes, ratios from the sums
    assert [out[f'mots/{k}'] for k in COUNTS] == [5, 1, 1, 1, 6]
    assert all(type(out[f'mots/{k}']) is int for k in COUNTS)
    assert out['mots/sMOTSA'] == pytest.approx((4.8 - 1 - 1) / 6, abs=1e-12)
    assert out['mots/MOTSP'] == pytest.approx(4.8 / 5, abs=1e-12)
    assert out['mots/IDF1'] == pytest.approx(4 / (4 + 0.5 * 2 + 0.5 * 2), abs=1e-12)
    json.dumps(out)


def test_iou_thr(toy, tmp_path, hand_videos):
    metric = metric_of(toy, tmp_path, hand_videos, iou_thr=0.85)
    out = toy.evaluate(metric, hand_videos, CLASSES)
    assert [out[f'mots/car/{k}'] for k in COUNTS] == [2, 2, 2, 1, 4]


def test_perfect_with_gap_and_three_other_classes(toy, tmp_path):
    """The class list decides; an absence costs nothing."""
    classes = ['cow', 'dog', 'motorbike']
    frames = [toy.Frame() for _ in range(4)]
    for i in range(3):
        mask = toy.box(i * 6, 0, i * 6 + 5, 9)
        for t in (0, 1, 3):
            frames[t].truth.append((i + 1, i + 1, mask))
            frames[t].pred.append(toy.pred(i + 4, mask, label=i))
    metric = metric_of(toy, tmp_path, [frames], classes)
    out = toy.evaluate(metric, [frames], classes)
    for name in ['', 'cow/', 'dog/', 'motorbike/']:
        assert [out[f'mots/{name}{k}'] for k in RATIOS] == pytest.approx([1] * 7)
    assert out['mots/TP'] == 9


def test_class_order_is_the_datasets(toy, tmp_path, hand_videos):
    """A label is an index in the dataset's class list, matched by name."""
    for frame in hand_videos[0]:
        for p in frame.pred:
            p['label'] = 1 - p['label']
    metric = metric_of(toy, tmp_path, hand_videos)
    out = toy.evaluate(metric, hand_videos, ['pedestrian', 'car'])
    assert out['mots/car/sMOTSA'] == pytest.approx(0.2, abs=1e-12)


def test_ignore_regions(toy, tmp_path):
    """An unmatched prediction is forgiven from more than half inside."""
    car, region = toy.box(0, 0, 4, 10), toy.box(10, 0, 20, 10)
    frame = toy.Frame(truth=[(1, 1, car)], ignore=[region])
    frame.pred = [
        toy.pred(1, car),
        toy.pred(2, toy.box(10, 0, 12, 10)),  # all inside, of either class
        toy.pred(3, toy.box(12, 0, 14, 10), label=1),
        toy.pred(4, toy.box(16, 5, 18, 15)),  # exactly half inside: counts
    ]
    metric = metric_of(toy, tmp_path, [[frame]])
    out = toy.evaluate(metric, [[frame]], CLASSES)
    assert [out[f'mots/{k}'] for k in COUNTS] == [1, 1, 0, 0, 1]
    assert not [name for name in out if 'pedestrian' in name], 'nor predicted'


def test_no_predictions(toy, tmp_path, hand_videos):
    for frame in hand_videos[0]:
        frame.pred = []
    metric = metric_of(toy, tmp_path, hand_videos)
    out = toy.evaluate(metric, hand_videos, CLASSES)
    assert [out[f'mots/{k}'] for k in COUNTS] == [0, 0, 6, 0, 6]
    assert out['mots/sMOTSA'] == 0


def test_class_without_truth(toy, tmp_path, hand_videos):
    """Its false positives count overall; the table shows no ratio."""
    for frame in hand_videos[0]:
        frame.truth = [t for t in frame.truth if t[0] == 1]
    metric = metric_of(toy, tmp_path, hand_videos)
    out = toy.evaluate(metric, hand_videos, CLASSES)
    assert [out[f'mots/pedestrian/{k}'] for k in COUNTS] == [0, 2, 0, 0, 0]
    assert out['mots/FP'] == 3 and out['mots/GT'] == 4


def test_repeated_ids_and_overlaps_are_resolved_by_score_and_counted(toy, tmp_path):
    car, other = toy.box(0, 0, 4, 10), toy.box(10, 0, 14, 10)
    frame = toy.Frame(truth=[(1, 1, car), (1, 2, other)])
    frame.pred = [
        toy.pred(5, toy.box(18, 0, 20, 5), score=0.2),  # the id of a better one
        toy.pred(5, car, score=0.9),
        toy.pred(6, toy.box(2, 0, 14, 10), score=0.5),  # 20 pixels lie on the car
        toy.pred(7, toy.box(0, 2, 2, 4), score=0.1),  # wholly inside the car
    ]
    metric = metric_of(toy, tmp_path, [[frame]])
    out = toy.evaluate(metric, [[frame]], CLASSES)
    assert out['mots/repeated_ids_dropped'] == 1
    assert out['mots/overlapping_pixels_removed'] == 20 + 4
    assert out['mots/empty_masks_dropped'] == 1
    # what is left of 6 is 40 pixels of `other` and 60 beside it: IoU 0.4
    assert [out[f'mots/{k}'] for k in COUNTS] == [1, 1, 1, 0, 2]


def test_reliability_by_hand(toy, tmp_path):
    cars = [toy.box(y, 0, y + 4, 10) for y in (0, 5, 10)]
    frame = toy.Frame(
        truth=[(1, i + 1, car) for i, car in enumerate(cars)],
        ignore=[toy.box(20, 0, 24, 10)],
    )
    frame.pred = [
        toy.pred(1, cars[0], 0.75, kind=0),
        toy.pred(2, cars[1], 0.78, label=1, kind=0),  # wrong class
        toy.pred(3, cars[2], 0.95, kind=0),
        toy.pred(4, toy.box(0, 20, 4, 30), 0.35, kind=2),
        toy.pred(5, toy.box(20, 0, 24, 8), 0.55, kind=2),  # ignored
    ]
    metric = metric_of(toy, tmp_path, [[frame]])
    out = toy.evaluate(metric, [[frame]], CLASSES)
    got = {k[17:]: v for k, v in out.items() if k.startswith('mots/reliability/')}
    assert got == pytest.approx(
        {
            'matched/count': 3,
            'matched/mean_score': (0.75 + 0.78 + 0.95) / 3,
            'matched/precision': 2 / 3,
            # bins 0.7-0.8: mean 0.765, half of it right; 0.9-1.0: 0.95, right
            'matched/ece': (2 * 0.265 + 0.05) / 3,
            'propagated/count': 0,
            'new/count': 1,
            'new/mean_score': 0.35,
            'new/precision': 0,
            'new/ece': 0.35,
        },
        abs=1e-6,
    )


def test_no_reliability_without_kinds(toy, tmp_path, hand_videos):
    metric = metric_of(toy, tmp_path, hand_videos)
    out = toy.evaluate(metric, hand_videos, CLASSES)
    assert not [key for key in out if 'reliability' in key]


def test_printed_block(toy, tmp_path, hand_videos, capsys, monkeypatch):
    lines = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'info', lines.append)
    for frame in hand_videos[0]:
        for p in frame.pred:
            p['kind'] = 1
    metric = metric_of(toy, tmp_path, hand_videos)
    toy.evaluate(metric, hand_videos, CLASSES)
    text = '\n'.join(lines)
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    names = rows['class']
    assert names[1:6] == ['sMOTSA', 'MOTSA', 'MOTSP', 'TP', 'FP']
    assert rows['car'][1:6] == ['0.200', '0.250', '0.933', '3', '1']
    assert rows['overall'][names.index('GT')] == '6'
    assert 'repeated ids dropped: 0, overlapping pixels removed: 0' in text
    assert 'propagated' in text and 'ECE' in text
    assert capsys.readouterr().out == ''  # TrackEval is silent


@pytest.mark.parametrize('seed', [0, 1])
def test_equal_to_trackevals_own_reading_of_txt(toy, tmp_path, seed):
    """Every number of every class, and of all together, against KittiMOTS."""
    import trackeval

    videos = toy.random_videos(seed)
    out = toy.evaluate(metric_of(toy, tmp_path, videos), videos, CLASSES)

    (tmp_path / 'gt/label_02').mkdir(parents=True)
    (tmp_path / 'trackers/ours/data').mkdir(parents=True)
    seqmap = ''
    height, width = toy.size
    for v, frames in enumerate(videos):
        seqmap += f'{v:04d} empty 000000 {len(frames) - 1:06d}\n'
        gt, result = '', ''
        for t, frame in enumerate(frames):
            rows = [(i, c, m) for c, i, m in frame.truth]
            rows += [(10000, 10, m) for m in frame.ignore]
            for track, cat, mask in rows:
                rle = toy.encode(mask)['counts']
                gt += f'{t} {track} {cat} {height} {width} {rle}\n'
            for p in frame.pred:
                rle = toy.encode(p['mask'])['counts']
                result += f'{t} {p["id"]} {p["label"] + 1} {height} {width} {rle}\n'
        (tmp_path / f'gt/label_02/{v:04d}.txt').write_text(gt)
        (tmp_path / f'trackers/ours/data/{v:04d}.txt').write_text(result)
    (tmp_path / 'gt/evaluate_mots.seqmap.val').write_text(seqmap)

    quiet = dict(PRINT_CONFIG=False)
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = trackeval.datasets.KittiMOTS(
            dict(
                GT_FOLDER=str(tmp_path / 'gt'),
                TRACKERS_FOLDER=str(tmp_path / 'trackers'),
                **quiet,
            )
        )
        dataset.should_classes_combine = True
        evaluator = trackeval.Evaluator(
            dict(
                BREAK_ON_ERROR=True,
                LOG_ON_ERROR=None,
                OUTPUT_SUMMARY=False,
                OUTPUT_DETAILED=False,
                PLOT_CURVES=False,
                **quiet,
            )
        )
        metrics = [
            trackeval.metrics.HOTA(),
            trackeval.metrics.CLEAR(dict(quiet)),
            trackeval.metrics.Identity(dict(quiet)),
        ]
        res, _ = evaluator.evaluate([dataset], metrics)
    res = res['KittiMOTS']['ours']['COMBINED_SEQ']
    assert res['car']['CLEAR']['IDSW'] > 0 and res['car']['CLEAR']['CLR_FP'] > 0
    for theirs, ours in {
        'car': 'car/',
        'pedestrian': 'pedestrian/',
        'cls_comb_det_av': '',
    }.items():
        clear, hota = res[theirs]['CLEAR'], res[theirs]['HOTA']
        expected = dict(
            sMOTSA=clear['sMOTA'],
            MOTSA=clear['MOTA'],
            MOTSP=clear['MOTP'],
            TP=clear['CLR_TP'],
            FP=clear['CLR_FP'],
            FN=clear['CLR_FN'],
            IDS=clear['IDSW'],
            HOTA=np.mean(hota['HOTA']),
            DetA=np.mean(hota['DetA']),
            AssA=np.mean(hota['AssA']),
            IDF1=res[theirs]['Identity']['IDF1'],
            GT=res[theirs]['Count']['GT_Dets'],
        )
        got = {name: out[f'mots/{ours}{name}'] for name in expected}
        assert got == pytest.approx(expected, abs=1e-9)


def test_frame_by_frame_equals_whole(toy, tmp_path):
    videos = toy.random_videos(2)
    metric = metric_of(toy, tmp_path, videos)
    whole = toy.evaluate(metric, videos, CLASSES)
    assert toy.evaluate(metric, videos, CLASSES, whole=False) == whole
    # and again: nothing is left over from the run before
    assert toy.evaluate(metric, videos, CLASSES) == whole


def test_huge_ids(toy, tmp_path, hand_videos):
    """TrackEval alone would want an array as long as the largest id."""
    before = toy.evaluate(metric_of(toy, tmp_path, hand_videos), hand_videos, CLASSES)
    for frame in hand_videos[0]:
        for p in frame.pred:
            p['id'] += 10**15
    metric = metric_of(toy, tmp_path, hand_videos)
    assert toy.evaluate(metric, hand_videos, CLASSES) == before


def test_records_hold_no_dense_masks(toy, tmp_path, hand_videos):
    metric = metric_of(toy, tmp_path, hand_videos)
    metric.dataset_meta = dict(classes=CLASSES)
    toy.feed(metric, hand_videos)
    assert len(metric.results) == 4
    for record in metric.results:
        for rle in record.rles:
            assert set(rle) == {'size', 'counts'} and len(rle['counts']) < 40


def test_missing_and_repeated_frames(toy, tmp_path, monkeypatch):
    """A video that no process tested counts as empty; one shown twice, once."""
    warnings = []
    monkeypatch.setattr(
        frame_records, 'print_log', lambda text, **_: warnings.append(text)
    )
    videos = toy.random_videos(3)
    metric = metric_of(toy, tmp_path, videos)
    metric.dataset_meta = dict(classes=CLASSES)
    toy.feed(metric, videos, only=[0, 2])
    toy.feed(metric, videos, only=[0])
    out = metric.evaluate()
    assert len(warnings) == 1 and 'no prediction came for 8 of 24' in warnings[0]
    for frame in videos[1]:
        frame.pred = []
    assert out == toy.evaluate(metric, videos, CLASSES)


@pytest.mark.parametrize('numpy_masks', [True, False])
def test_masks_of_other_models(toy, tmp_path, hand_videos, numpy_masks):
    """Arrays, and lists of RLE, as other models give them."""
    metric = metric_of(toy, tmp_path, hand_videos)
    metric.dataset_meta = dict(classes=CLASSES)
    expected = toy.evaluate(metric, hand_videos, CLASSES)
    for t, frame in enumerate(hand_videos[0]):
        sample = toy.data_sample(t + 1, frame.pred, ori_video_length=4)
        masks = sample.pred_track_instances.masks.numpy()
        if not numpy_masks:
            masks = [mask_utils.encode(np.asfortranarray(m, np.uint8)) for m in masks]
        sample.pred_track_instances.masks = masks
        metric.process({}, [dict(video_data_samples=[sample])])
    assert metric.evaluate() == expected


def test_txt_files(toy, tmp_path, hand_videos):
    folder = tmp_path / 'out'
    metric = metric_of(
        toy, tmp_path, hand_videos, outfile_prefix=str(folder), format_only=True
    )
    assert toy.evaluate(metric, hand_videos, CLASSES) == {}
    lines = (folder / '0000.txt').read_text().splitlines()
    assert [line.split()[:5] for line in lines] == [
        ['0', '7', '1', '24', '32'],
        ['0', '3', '2', '24', '32'],
        ['1', '8', '1', '24', '32'],
        ['1', '3', '2', '24', '32'],
        ['3', '8', '1', '24', '32'],
        ['3', '9', '1', '24', '32'],
    ]
    assert lines[0].split()[5] == toy.encode(toy.box(0, 0, 4, 10))['counts']


def test_errors_say_what_is_wrong(toy, tmp_path, hand_videos):
    metric = metric_of(toy, tmp_path, hand_videos)
    sample = toy.data_sample(1, hand_videos[0][0].pred)
    with pytest.raises(RuntimeError, match='dataset_meta'):
        metric.record(sample)
    metric.dataset_meta = dict(classes=['car'])
    with pytest.raises(ValueError, match='labels from 0 to 1, but there are 1'):
        metric.record(sample)
    metric.dataset_meta = dict(classes=CLASSES)
    with pytest.raises(ValueError, match='no image 99'):
        metric.record(toy.data_sample(99, []))
    sample.pred_track_instances.masks = sample.pred_track_instances.masks[:, :9]
    with pytest.raises(ValueError, match='original pixels'):
        metric.record(sample)
    del sample.pred_track_instances.masks
    with pytest.raises(ValueError, match='scores masks'):
        metric.record(sample)
    with pytest.raises(ValueError, match='outfile_prefix'):
        MOTSMetric('truth.json', format_only=True)


def test_registered_and_usable_for_save_best(toy, tmp_path, hand_videos):
    truth = toy.write_truth(tmp_path / 'truth.json', hand_videos, CLASSES)
    metric = METRICS.build(dict(type='mmvist.MOTSMetric', ann_file=truth))
    out = toy.evaluate(metric, hand_videos, CLASSES)
    hook = CheckpointHook(save_best='mots/sMOTSA', rule='greater')
    indicator = hook.key_indicators[0]
    assert hook.is_better_than[indicator](out[indicator], 0.1)
