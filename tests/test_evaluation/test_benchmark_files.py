"""Files as the benchmarks take them, read back by TrackEval's own classes."""

import contextlib
import io
import json

import numpy as np
import pytest
import trackeval

from mmvist.evaluation import MOTSMetric

QUIET = dict(PRINT_CONFIG=False)


def numbers_of(dataset):
    """What TrackEval says of the one tracker of a data set."""
    settings = dict(BREAK_ON_ERROR=True, LOG_ON_ERROR=None, OUTPUT_SUMMARY=False)
    settings.update(OUTPUT_DETAILED=False, PLOT_CURVES=False, **QUIET)
    metrics = [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR(dict(QUIET)),
        trackeval.metrics.Identity(dict(QUIET)),
    ]
    found, _ = trackeval.Evaluator(settings).evaluate([dataset], metrics)
    return found[dataset.get_name()]['ours']['COMBINED_SEQ']


def as_ours(found):
    clear = found['CLEAR']
    return dict(
        sMOTSA=clear['sMOTA'],
        MOTSA=clear['MOTA'],
        MOTSP=clear['MOTP'],
        TP=clear['CLR_TP'],
        FP=clear['CLR_FP'],
        FN=clear['CLR_FN'],
        IDS=clear['IDSW'],
        HOTA=np.mean(found['HOTA']['HOTA']),
        AssA=np.mean(found['HOTA']['AssA']),
        IDF1=found['Identity']['IDF1'],
    )


def write_truth_txt(path, toy, frames, first):
    height, width = toy.size
    text = ''
    for t, frame in enumerate(frames):
        rows = [(instance, cat, mask) for cat, instance, mask in frame.truth]
        rows += [(10000, 10, mask) for mask in frame.ignore]
        for instance, cat, mask in rows:
            code = toy.encode(mask)['counts']
            text += f'{t + first} {instance} {cat} {height} {width} {code}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def our_numbers(toy, tmp_path, videos, classes, first, folder):
    """Of the metric that also writes the txt files, with the benchmark's counting."""
    path = tmp_path / 'truth.json'
    toy.write_truth(path, videos, ['car', 'pedestrian'])
    truth = json.loads(path.read_text())
    for image in truth['images']:
        image['file_name'] = f'{image["frame_id"] + first:06}.png'
    path.write_text(json.dumps(truth))
    metric = MOTSMetric(str(path), outfile_prefix=str(folder))
    return toy.evaluate(metric, videos, classes)


def assert_same(ours, prefix, theirs):
    for name, value in as_ours(theirs).items():
        assert ours[f'mots/{prefix}{name}'] == value, name
    assert as_ours(theirs)['IDS'] > 0 and as_ours(theirs)['FP'] > 0


@pytest.mark.parametrize('seed', [0, 1])
def test_kitti_mots(toy, tmp_path, seed):
    """Frames from 0; to the last digit, per class and over both."""
    videos = toy.random_videos(seed)
    folder = tmp_path / 'trackers/ours/data'
    ours = our_numbers(toy, tmp_path, videos, ['car', 'pedestrian'], 0, folder)
    seqmap = ''
    for v, frames in enumerate(videos):
        write_truth_txt(tmp_path / f'gt/label_02/{v:04}.txt', toy, frames, 0)
        seqmap += f'{v:04} empty 000000 {len(frames) - 1:06}\n'
    (tmp_path / 'gt/evaluate_mots.seqmap.val').write_text(seqmap)
    settings = dict(GT_FOLDER=str(tmp_path / 'gt'), **QUIET)
    settings['TRACKERS_FOLDER'] = str(tmp_path / 'trackers')
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = trackeval.datasets.KittiMOTS(settings)
        dataset.should_classes_combine = True
        theirs = numbers_of(dataset)
    assert_same(ours, 'car/', theirs['car'])
    assert_same(ours, 'pedestrian/', theirs['pedestrian'])
    assert_same(ours, '', theirs['cls_comb_det_av'])


@pytest.mark.parametrize('seed', [0, 1])
def test_mots_challenge(toy, tmp_path, seed):
    """Frames from 1 and pedestrians alone."""
    videos = toy.random_videos(seed)
    for frame in (frame for frames in videos for frame in frames):
        frame.truth = [(2, instance, mask) for _, instance, mask in frame.truth]
        for one in frame.pred:
            one['label'] = 0
    folder = tmp_path / 'trackers/ours/data'
    ours = our_numbers(toy, tmp_path, videos, ['pedestrian'], 1, folder)
    for v, frames in enumerate(videos):
        write_truth_txt(tmp_path / f'gt/{v:04}/gt/gt.txt', toy, frames, 1)
    settings = dict(GT_FOLDER=str(tmp_path / 'gt'), SKIP_SPLIT_FOL=True, **QUIET)
    settings['TRACKERS_FOLDER'] = str(tmp_path / 'trackers')
    settings['SEQ_INFO'] = {f'{v:04}': len(frames) for v, frames in enumerate(videos)}
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = numbers_of(trackeval.datasets.MOTSChallenge(settings))
    assert_same(ours, 'pedestrian/', theirs['pedestrian'])
