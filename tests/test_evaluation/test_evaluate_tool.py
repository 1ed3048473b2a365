"""Prediction files scored without a model, and files that do not fit."""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmvist.datasets import DataError
from mmvist.engine.launch import run_tool
from mmvist.evaluation import MOTSMetric, SegmMetric, VISMetric

TOOL = Path(__file__).parents[2] / 'tools' / 'evaluate.py'
CLASSES = ['car', 'pedestrian']


def run(*args: object) -> int:
    spec = importlib.util.spec_from_file_location('evaluate_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return run_tool(lambda: module.main([str(one) for one in args]), DataError)


@pytest.fixture(scope='module')
def written(toy, tmp_path_factory):
    """Truth, and the predictions of random videos in all formats; their numbers."""
    folder = tmp_path_factory.mktemp('written')
    videos = toy.random_videos(0)
    truth = toy.write_truth(folder / 'truth.json', videos, CLASSES)
    png = dict(outfile_formats='png', format_only=True)
    numbers = {}
    for metric in (
        MOTSMetric(truth, outfile_prefix=str(folder / 'mots')),
        MOTSMetric(truth, outfile_prefix=str(folder / 'png'), **png),
        VISMetric(truth, outfile_prefix=str(folder / 'vis')),
        SegmMetric(truth),
    ):
        numbers.update(toy.evaluate(metric, videos, CLASSES))
    return folder, numbers


@pytest.fixture
def files(written, tmp_path):
    """A copy that a test may break."""
    folder, numbers = written
    shutil.copytree(folder, tmp_path / 'run')
    return tmp_path / 'run', str(tmp_path / 'run/truth.json'), numbers


@pytest.mark.parametrize('kind', ['mots', 'png'])
def test_mots_files_give_the_numbers_of_the_test(files, kind):
    folder, truth, expected = files
    args = [folder / kind, truth, '--metrics', 'mots', '--work-dir', folder / 'out']
    assert run(*args) == 0
    numbers = json.loads((folder / 'out/metrics.json').read_text())
    assert {name for name in numbers if 'reliability' in name} == set()
    for name, value in numbers.items():
        if 'dropped' not in name and 'removed' not in name:  # repaired when written
            assert value == pytest.approx(expected[name], abs=1e-12), name
    assert numbers['mots/TP'] > 0


def test_json_gives_the_ap_of_the_test(files):
    folder, truth, expected = files
    args = [folder / 'vis.json', truth, '--metrics', 'youtube_vis']
    assert run(*args, '--work-dir', folder / 'out') == 0
    numbers = json.loads((folder / 'out/metrics.json').read_text())
    assert numbers['youtube_vis/segm_mAP'] == pytest.approx(
        expected['youtube_vis/segm_mAP'], abs=1e-12
    )
    assert numbers['youtube_vis/segm_mAP'] > 0


def test_some_classes(files):
    folder, truth, expected = files
    args = [folder / 'mots', truth, '--metrics', 'mots', '--classes', 'pedestrian']
    assert run(*args, '--work-dir', folder / 'out') == 0
    numbers = json.loads((folder / 'out/metrics.json').read_text())
    assert not [name for name in numbers if 'car' in name]
    for key in ('TP', 'FP', 'FN'):
        assert numbers[f'mots/{key}'] == expected[f'mots/pedestrian/{key}']


@pytest.mark.parametrize('kind', ['mots', 'png', 'vis.json'])
def test_frames_and_videos_without_a_prediction(files, kind):
    folder, truth, expected = files
    (folder / 'mots/0000.txt').write_text('')
    for path in (folder / 'png/0000').iterdir():
        Image.fromarray(np.zeros((24, 32), np.uint16)).save(path)
    tracks = json.loads((folder / 'vis.json').read_text())
    some = [track for track in tracks if track['video_id'] != 1]
    (folder / 'vis.json').write_text(json.dumps(some))
    assert len(some) < len(tracks)
    args = [folder / kind, truth, '--metrics', 'track_segm', 'segm']
    assert run(*args, '--work-dir', folder / 'out') == 0
    numbers = json.loads((folder / 'out/metrics.json').read_text())
    assert 0 < numbers['mots/TP'] < expected['mots/TP']
    assert numbers['mots/GT'] == expected['mots/GT']


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def first_track(path: Path, **changes: object) -> None:
    tracks = json.loads(path.read_text())
    tracks[0].update(changes)
    for key in [key for key, value in changes.items() if value is None]:
        del tracks[0][key]
    path.write_text(json.dumps(tracks))


def first_mask(path: Path, change: Callable[[dict], object]) -> None:
    tracks = json.loads(path.read_text())
    change(next(mask for mask in tracks[0]['segmentations'] if mask))
    path.write_text(json.dumps(tracks))


BREAKS = {
    'no truth': (lambda f: (f / 'truth.json').unlink(), 'mots', 'truth.json does not'),
    'no predictions': (lambda f: None, 'none', 'predictions .*none do not exist'),
    'another file': (lambda f: None, 'truth.txt', 'is neither a folder of MOTS txt'),
    'annotations': (lambda f: None, 'truth.json', 'no list of tracks; is it an anno'),
    'truth of another kind': (
        lambda f: (f / 'truth.json').write_text('{}'),
        'mots',
        'is not a CocoVID-style annotation file',
    ),
    'txt missing': (
        lambda f: (f / 'mots/0001.txt').unlink(),
        'mots',
        r'0001\.txt: cannot be read \(No such file',
    ),
    'txt of another length': (
        lambda f: (f / 'mots/0000.txt').write_text('99 1 1 24 32 P`0\n'),
        'mots',
        r'0000\.txt:1: ',
    ),
    'txt of another size': (
        lambda f: spoil(f / 'mots/0000.txt', ' 24 32 ', ' 32 24 '),
        'mots',
        r'0000\.txt:\d+: size .* is not that of line',
    ),
    'json cut': (lambda f: (f / 'vis.json').write_text('[{'), 'vis.json', 'is no json'),
    'json without score': (
        lambda f: first_track(f / 'vis.json', score=None),
        'vis.json',
        'track 0 has no score',
    ),
    'json of another video': (
        lambda f: first_track(f / 'vis.json', video_id=77),
        'vis.json',
        'track 0 is of video 77',
    ),
    'json of another class': (
        lambda f: first_track(f / 'vis.json', category_id=77),
        'vis.json',
        'track 0 of video 1 is of class 77',
    ),
    'json of another length': (
        lambda f: first_track(f / 'vis.json', segmentations=[]),
        'vis.json',
        'track 0 of video 1 has 0 masks, but the video has 8 frames',
    ),
    'json without masks': (
        lambda f: first_track(f / 'vis.json', segmentations='none'),
        'vis.json',
        'track 0 of video 1: segmentations are no list of masks',
    ),
    'json of scores that are no numbers': (
        lambda f: first_track(f / 'vis.json', score='high'),
        'vis.json',
        "track 0 of video 1: score 'high' is no number",
    ),
    'json of a list of lists': (
        lambda f: (f / 'vis.json').write_text('[[]]'),
        'vis.json',
        'track 0 is no object',
    ),
    'mask cut': (
        lambda f: first_mask(f / 'vis.json', lambda m: m.update(counts='Ph')),
        'vis.json',
        r'vis\.json: track 0 of video 1, frame \d: run-length code cannot be read: it '
        'ends in the middle',
    ),
    'mask of foreign characters': (
        lambda f: first_mask(f / 'vis.json', lambda m: m.update(counts='~~')),
        'vis.json',
        r"track 0 of video 1, frame \d: run-length code cannot be read: '~' is no",
    ),
    'mask of another length': (
        lambda f: first_mask(f / 'vis.json', lambda m: m.update(counts='0<')),
        'vis.json',
        r'track 0 of video 1, frame \d: run-length code is of 12 pixels, the frame',
    ),
    'mask of another size': (
        lambda f: first_mask(f / 'vis.json', lambda m: m.update(size=[32, 24])),
        'vis.json',
        r'track 0 of video 1, frame \d: mask is \[32, 24\], its frame \[24, 32\]',
    ),
    'mask without counts': (
        lambda f: first_mask(f / 'vis.json', lambda m: m.pop('counts')),
        'vis.json',
        r'track 0 of video 1, frame \d: mask is neither polygons nor a run-length',
    ),
    'png missing': (
        lambda f: (f / 'png/0001/000003.png').unlink(),
        'png',
        r'png/0001: has no png of frame 3',
    ),
    'png of another frame': (
        lambda f: shutil.copy(f / 'png/0001/000003.png', f / 'png/0001/000099.png'),
        'png',
        r'png/0001/000099\.png: video 0001 has no frame 99',
    ),
    'png of another size': (
        lambda f: Image.fromarray(np.zeros((3, 4), np.uint16)).save(
            f / 'png/0001/000003.png'
        ),
        'png',
        r'png/0001/000003\.png: is 4 x 3, but its frame is 32 x 24',
    ),
    'png of another class': (
        lambda f: Image.fromarray(np.full((24, 32), 7001, np.uint16)).save(
            f / 'png/0001/000003.png'
        ),
        'png',
        r'png/0001/000003\.png: value 7001 is of class 7',
    ),
    'pngs of a video missing': (
        lambda f: shutil.rmtree(f / 'png/0001'),
        'png',
        r'png/0001\.txt: cannot be read',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_what_does_not_fit_is_told_in_one_line(files, capsys, name):
    folder, truth, _ = files
    (folder / 'truth.txt').touch()
    harm, predictions, message = BREAKS[name]
    harm(folder)
    assert run(folder / predictions, truth, '--work-dir', folder / 'out') == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and error.startswith('error: ')
    assert re.search(message, error), error
    assert not (folder / 'out').exists()


def test_unknown_names(files, capsys):
    folder, truth, _ = files
    assert run(folder / 'mots', truth, '--metrics', 'boxes') == 2
    assert 'unknown evaluation boxes' in capsys.readouterr().err
    assert run(folder / 'mots', truth, '--classes', 'tram') == 2
    assert 'has no class tram; it has car, pedestrian' in capsys.readouterr().err


def test_a_benchmark_that_keeps_its_truth(files, capsys):
    """Nobody is to take -1 or minus the number of false positives for a score."""
    folder, truth, _ = files
    content = json.loads(Path(truth).read_text())
    Path(truth).write_text(json.dumps(content | dict(annotations=[])))
    assert run(folder / 'vis.json', truth) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert f'{truth} has no instance to judge by' in error
