"""Predictions as MOTS pngs, read back by the converter of KITTI MOTS."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_kitti_mots
from mmvist.evaluation import MOTSMetric, mots_files
from mmvist.evaluation.rle import encode_mask

CLASSES = ['car', 'pedestrian']


def write(toy, folder, videos, classes=CLASSES, **settings):
    settings = dict(outfile_prefix=str(folder / 'out'), format_only=True) | settings
    metric = MOTSMetric(
        toy.write_truth(folder / 'truth.json', videos, classes), **settings
    )
    assert toy.evaluate(metric, videos, classes) == {}
    return folder / 'out'


@pytest.mark.parametrize('seed', [0, 1])
def test_the_converter_reads_them_back(toy, tmp_path, seed):
    """Every mask with its class; one instance for each track and class."""
    videos = toy.random_videos(seed)
    write(toy, tmp_path, videos, outfile_formats='png')
    for v, frames in enumerate(videos):
        folder = tmp_path / 'frames' / f'{v:04}'
        folder.mkdir(parents=True)
        for t in range(len(frames)):
            Image.new('RGB', toy.size[::-1]).save(folder / f'{t:06}.png')
    names = [f'{v:04}' for v in range(len(videos))]
    content = convert_kitti_mots(tmp_path, names, frames='frames', instances='out')
    found = {
        (a['image_id'], a['category_id'], a['segmentation']['counts']): a['instance_id']
        for a in content['annotations']
    }
    expected = {
        (image, one['label'] + 1, encode_mask(one['mask'])['counts']): (
            (image - 1) // len(videos[0]),
            one['id'],
            one['label'],
        )
        for image, frame in enumerate((f for v in videos for f in v), 1)
        for one in frame.pred
    }
    assert set(found) == set(expected) and len(found) == len(content['annotations'])
    pairs = {(found[key], expected[key]) for key in found}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    changed = {(video, track) for _, (video, track, _) in pairs}
    assert len(changed) < len(pairs)  # some track has two classes


def test_values_count_from_one_in_each_class(toy, tmp_path):
    box = toy.box
    first = [
        toy.pred(70, box(0, 0, 4, 4), label=1),
        toy.pred(9, box(6, 0, 9, 4), label=0),
        toy.pred(8, box(12, 0, 16, 4), label=1),
    ]
    second = [toy.pred(8, box(12, 2, 16, 6), label=1), toy.pred(5, box(0, 0, 2, 2))]
    frames = [toy.Frame(pred=first), toy.Frame(), toy.Frame(pred=second)]
    out = write(toy, tmp_path, [frames], outfile_formats=['txt', 'png'])
    assert sorted(p.name for p in out.iterdir()) == ['0000', '0000.txt']
    names = sorted(p.name for p in (out / '0000').iterdir())
    assert names == ['000000.png', '000001.png', '000002.png']
    pngs = [Image.open(out / '0000' / name) for name in names]
    assert all(png.mode.startswith('I;16') for png in pngs)
    pixels = [np.array(png) for png in pngs]
    assert pixels[0].dtype == np.uint16 and pixels[0].shape == toy.size
    assert [pixels[0][y, 0] for y in (0, 6, 12)] == [2001, 1001, 2002]
    assert set(np.unique(pixels[0])) == {0, 1001, 2001, 2002}
    assert not pixels[1].any()
    assert (pixels[2][12, 2], pixels[2][0, 0]) == (2002, 1002)
    assert (pixels[2] == 2002).sum() == 16


def test_a_second_run_gives_the_same_bytes(toy, tmp_path):
    videos = toy.random_videos(2)
    settings = dict(outfile_formats=('png', 'txt'))
    out = write(toy, tmp_path, videos, **settings)
    first = {p.relative_to(out): p.read_bytes() for p in out.rglob('*.*')}
    write(toy, tmp_path, videos, **settings)
    assert first == {p.relative_to(out): p.read_bytes() for p in out.rglob('*.*')}
    assert len(first) == 3 + 3 * 8


def test_overlaps_are_gone_before_they_are_painted(toy, tmp_path):
    frame = toy.Frame(
        pred=[
            toy.pred(1, toy.box(0, 0, 4, 4), score=0.9),
            toy.pred(2, toy.box(0, 0, 8, 8), score=0.5),
        ]
    )
    out = write(toy, tmp_path, [[frame]], outfile_formats='png')
    pixels = np.array(Image.open(out / '0000/000000.png'))
    assert ((pixels == 1001).sum(), (pixels == 1002).sum()) == (16, 48)


def test_more_instances_than_a_png_can_number(toy, tmp_path):
    pixel = [toy.box(y, x, y + 1, x + 1) for y in range(4) for x in range(25)]
    frames = [
        toy.Frame(pred=[toy.pred(100 * t + i, pixel[i]) for i in range(100)])
        for t in range(10)
    ]
    with pytest.raises(DataError, match=r'out/0000: 1000 instances of category 1 are'):
        write(toy, tmp_path, [frames], outfile_formats='png')
    assert not (tmp_path / 'out').exists()
    frames[9].pred.pop()
    out = write(toy, tmp_path, [frames], outfile_formats='png')
    assert np.array(Image.open(out / '0000/000009.png')).max() == 1999


def test_classes_that_a_png_cannot_hold_are_told_at_the_first_frame(toy, tmp_path):
    classes = [f'class{i}' for i in range(1, 12)]
    frames = [toy.Frame(pred=[toy.pred(1, toy.box(0, 0, 4, 4))])]
    with pytest.raises(DataError, match='class class10 has category id 10; in a MOTS'):
        write(toy, tmp_path, [frames], classes, outfile_formats='png')
    out = write(toy, tmp_path, [frames], classes)
    code = mask_utils.encode(np.asfortranarray(toy.box(0, 0, 4, 4), np.uint8))['counts']
    assert (out / '0000.txt').read_text() == f'0 1 1 24 32 {code.decode()}\n'


@pytest.mark.parametrize('formats', [[], 'jpg', ['txt', 'jpg']])
def test_unknown_formats(formats):
    with pytest.raises(ValueError, match="known are .'txt', 'png'"):
        MOTSMetric('truth.json', outfile_formats=formats)


@pytest.mark.parametrize('names', [('a', 'a'), ('a/b', 'a_b')])
def test_videos_that_would_share_a_file(toy, tmp_path, names):
    path = toy.write_truth(tmp_path / 'truth.json', [[toy.Frame()]] * 2, CLASSES)
    content = json.loads(Path(path).read_text())
    for video, name in zip(content['videos'], names, strict=True):
        video['name'] = name
    Path(path).write_text(json.dumps(content))
    metric = MOTSMetric(path, outfile_prefix=str(tmp_path / 'out'), format_only=True)
    with pytest.raises(DataError, match='would share the file a.*txt'):
        toy.evaluate(metric, [[toy.Frame()]] * 2, CLASSES)
    assert not (tmp_path / 'out').exists()
    # numbers need no names
    assert toy.evaluate(MOTSMetric(path), [[toy.Frame()]] * 2, CLASSES)


@pytest.mark.parametrize('formats', ['png', ('txt', 'png')])
def test_a_full_disk_leaves_all_of_the_old_results(toy, tmp_path, formats, monkeypatch):
    """Also those of the videos before, and of the other format."""
    settings = dict(outfile_formats=formats)
    out = write(toy, tmp_path, toy.random_videos(0), **settings)
    old = {p.relative_to(out): p.read_bytes() for p in out.rglob('*.*')}
    encode, made = mots_files._png, []

    def full(pixels):
        made.append(pixels)
        if len(made) == 12:  # in the second video
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return encode(pixels)

    monkeypatch.setattr(mots_files, '_png', full)
    with pytest.raises(OSError, match='No space'):
        write(toy, tmp_path, toy.random_videos(1), **settings)
    assert old == {p.relative_to(out): p.read_bytes() for p in out.rglob('*.*')}
