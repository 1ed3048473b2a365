"""Every way in which YouTube-VIS and OVIS files write a mask, and broken ones."""

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import check_frames, convert_youtubevis, write_json
from mmvist.datasets.converters.cocovid import encode_mask
from mmvist.evaluation.truth import load_truth

BOX = np.zeros((10, 12), bool)
BOX[2:6, 3:9] = True
RUNS = dict(size=[10, 12], counts=[32, *[4, 6] * 5, 4, 34])
POLYGON = [[3, 2, 9, 2, 9, 6, 3, 6]]
CODE = encode_mask(BOX)
TEXT = dict(size=[10, 12], counts=CODE['counts'].decode())


def track(number: int, video: int, category: int, *masks: Any) -> dict:
    return dict(
        id=number,
        video_id=video,
        category_id=category,
        iscrowd=0,
        segmentations=list(masks),
        bboxes=[m and [3, 2, 6, 4] for m in masks],
        areas=[m and 24 for m in masks],
    )


def content() -> dict:
    def video(number: int, length: int) -> dict:
        names = [f'{number:03}/{5 * t:05}.jpg' for t in range(length)]
        return dict(id=number, height=10, width=12, length=length, file_names=names)

    return dict(
        videos=[video(4, 3), video(9, 1)],
        categories=[dict(id=2, name='cat'), dict(id=5, name='dog')],
        annotations=[
            track(1, 4, 5, RUNS, None, POLYGON),
            track(2, 4, 2, None, TEXT, CODE),
            track(7, 9, 5, TEXT),
        ],
    )


def test_all_kinds_of_masks() -> None:
    found = convert_youtubevis(content(), 'train.json')
    facts = [
        (a['image_id'], a['video_id'], a['category_id'], a['instance_id'])
        for a in found['annotations']
    ]
    assert facts == [
        (1, 4, 5, 1),
        (2, 4, 2, 2),
        (3, 4, 5, 1),
        (3, 4, 2, 2),
        (4, 9, 5, 3),
    ]
    for ann in found['annotations']:
        assert isinstance(ann['segmentation']['counts'], str)
        np.testing.assert_array_equal(mask_utils.decode(ann['segmentation']), BOX)
        assert ann['bbox'] == [3, 2, 6, 4] and ann['area'] == 24


def test_videos_and_images() -> None:
    found = convert_youtubevis(content(), 'train.json')
    assert [v['name'] for v in found['videos']] == ['004', '009']
    # a submission to the benchmark's server needs its ids, and OVIS's do not begin at 1
    assert [v['id'] for v in found['videos']] == [4, 9]
    assert [i['video_id'] for i in found['images']] == [4, 4, 4, 9]
    assert [v['length'] for v in found['videos']] == [3, 1]
    # every fifth frame of the film is one of the data set: its neighbours
    assert [i['frame_id'] for i in found['images']] == [0, 1, 2, 0]
    assert found['images'][1]['file_name'] == '004/00005.jpg'
    assert found['categories'] == [dict(id=2, name='cat'), dict(id=5, name='dog')]


@pytest.mark.parametrize('annotations', [None, []])
def test_test_sets_have_no_annotations(annotations: list | None) -> None:
    found = convert_youtubevis(dict(content(), annotations=annotations), 'test.json')
    assert found['annotations'] == [] and len(found['images']) == 4


def test_the_class_with_number_ten_is_a_class_like_others() -> None:
    source = content()
    source['categories'][1]['id'] = 10  # monkey, in 2019
    for one in source['annotations']:
        one['category_id'] = one['category_id'] * 2 if one['category_id'] == 5 else 2
    found = convert_youtubevis(source, 'train.json')
    assert [a['category_id'] for a in found['annotations']] == [10, 2, 10, 2, 10]
    assert not any(a['iscrowd'] or a.get('ignore') for a in found['annotations'])
    assert {a['instance_id'] for a in found['annotations']} == {1, 2, 3}


def youtubevis_2019() -> dict:
    """Nulls where an object is not seen, run lengths that are not compressed."""
    base = content()
    for video in base['videos']:
        video.update(license=1, coco_url='', flickr_url='', date_captured='2019-04-11')
    for one in base['annotations']:
        one.update(height=10, width=12, length=len(one['segmentations']))
    return dict(base, info=dict(description='YouTubeVOS', version='1.0'), licenses=[])


def youtubevis_2021() -> dict:
    """Other classes; a track that is never seen, one without its lists."""
    base = youtubevis_2019()
    base['categories'] = [
        dict(id=2, name='bear', supercategory='object'),
        dict(id=5, name='flying_disc', supercategory='object'),
    ]
    nothing = [None, None, None]
    base['annotations'] += [
        track(8, 4, 2, *nothing),
        dict(track(9, 4, 2, *nothing), segmentations=None, bboxes=None, areas=None),
    ]
    return base


def ovis() -> dict:
    """Names with a prefix before the number, levels of occlusion, a crowd."""
    base = youtubevis_2019()
    for number, video in enumerate(base['videos']):
        video['file_names'] = [
            f'2592{number}56/img_{t + 1:07}.jpg' for t in range(video['length'])
        ]
    for one in base['annotations']:
        one['occlusion'] = [m and 'severe_occlusion' for m in one['segmentations']]
    crowd = dict(track(8, 9, 2, RUNS), iscrowd=1, occlusion=['no_occlusion'])
    marked = dict(track(9, 9, 5, POLYGON), ignore=1)
    base['annotations'] += [crowd, marked]
    return base


@pytest.mark.parametrize('layout', [youtubevis_2019, youtubevis_2021, ovis])
def test_the_three_layouts(layout: Any) -> None:
    lines: list[str] = []
    found = convert_youtubevis(layout(), 'train.json', report=lines.append)
    judged = [a for a in found['annotations'] if not a.get('ignore')]
    assert [(a['image_id'], a['category_id'], a['instance_id']) for a in judged] == [
        (1, 5, 1),
        (2, 2, 2),
        (3, 5, 1),
        (3, 2, 2),
        (4, 5, 3),
    ]
    assert [i['frame_id'] for i in found['images']] == [0, 1, 2, 0]
    never_seen = 'train.json: 2 of 5 tracks have no mask in any frame: left out'
    assert lines == ([never_seen] if layout is youtubevis_2021 else [])


def test_ovis_has_prefixed_frames_and_crowds() -> None:
    found = convert_youtubevis(ovis(), 'annotations_train.json')
    assert [v['name'] for v in found['videos']] == ['2592056', '2592156']
    assert found['images'][2]['file_name'] == '2592056/img_0000003.jpg'
    regions = [a for a in found['annotations'] if a.get('ignore')]
    facts = [(a['category_id'], a['instance_id'], a['iscrowd']) for a in regions]
    assert facts == [(2, 10000, 1), (5, 10000, 1)]


def test_metrics_read_the_three_layouts(tmp_path: Path) -> None:
    path = write_json(convert_youtubevis(ovis(), 'train.json'), tmp_path / 'a.json')
    truth = load_truth(str(path))
    assert [len(frame.rles) for frame in truth.frames.values()] == [1, 1, 2, 1]
    assert [len(frame.ignored) for frame in truth.frames.values()] == [0, 0, 0, 2]


def test_tracks_of_another_length_can_be_left_out() -> None:
    source, lines = content(), []
    source['annotations'][0]['segmentations'].pop()
    found = convert_youtubevis(
        source, 'train.json', drop_mismatched=True, report=lines.append
    )
    assert {a['category_id'] for a in found['annotations'] if a['video_id'] == 4} == {2}
    assert lines == [
        'train.json: track 1 has 2 masks, but its video has 3 frames: left out'
    ]


def write_frames(folder: Path, source: dict) -> Path:
    for video in source['videos']:
        for name in video['file_names']:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new('RGB', (12, 10)).save(folder / name)
    return folder


def test_frames_that_are_there(tmp_path: Path) -> None:
    check_frames(content(), 'train.json', write_frames(tmp_path, content()))


FRAME = Path('004/00005.jpg')
LOSSES: dict[str, tuple[Any, str]] = {
    'missing': (
        lambda f: [(f / FRAME).unlink(), (f / '009/00000.jpg').unlink()],
        r'lacks 2 of the 4 frames of train\.json: 004/00005\.jpg, 009/00000\.jpg; ',
    ),
    'all': (
        lambda f: [shutil.rmtree(f / name) for name in ('004', '009')],
        r'has none of the 4 frames of train\.json, such as 004/00000\.jpg',
    ),
    'folder': (lambda f: shutil.rmtree(f), 'no such folder of frames'),
    'size': (
        lambda f: Image.new('RGB', (10, 12)).save(f / FRAME),
        r'004/00005\.jpg: is 10 x 12, but train\.json says 12 x 10',
    ),
    'empty': (
        lambda f: (f / FRAME).write_bytes(b''),
        r'004/00005\.jpg: cannot be read as an image',
    ),
}


@pytest.mark.parametrize('name', LOSSES)
def test_frames_that_are_not_there(tmp_path: Path, name: str) -> None:
    folder = write_frames(tmp_path / 'JPEGImages', content())
    harm, message = LOSSES[name]
    harm(folder)
    with pytest.raises(DataError, match=message) as caught:
        check_frames(content(), 'train.json', folder)
    assert str(folder) in str(caught.value) and '\n' not in str(caught.value)


def test_a_message_does_not_name_a_thousand_frames(tmp_path: Path) -> None:
    source = content()
    write_frames(tmp_path, source)
    source['videos'][0]['file_names'] += [f'004/x{t}.jpg' for t in range(1000)]
    with pytest.raises(DataError, match='x99.jpg and 900 more; fetch') as caught:
        check_frames(source, 'train.json', tmp_path)
    assert 'x100.jpg' not in str(caught.value)


BREAKS: dict[str, tuple[Any, str]] = {
    'no videos': (lambda c: c.update(videos=[]), 'has no videos'),
    'no names': (
        lambda c: c['videos'][1].pop('file_names'),
        'video 9 names no file',
    ),
    'no size': (
        lambda c: c['videos'][1].pop('height'),
        r'height of videos\[1\] is no number',
    ),
    'one video twice': (
        lambda c: c['videos'][1].update(id=4),
        'videos have the id 4 more than once',
    ),
    'one track twice': (
        lambda c: c['annotations'][2].update(id=1),
        'annotations have the id 1 more than once',
    ),
    'no class': (
        lambda c: c['annotations'][1].pop('category_id'),
        r'annotations\[1\] has no category_id',
    ),
    'no class name': (
        lambda c: c['categories'][1].pop('name'),
        r'categories\[1\] has no id or name',
    ),
    'foreign video': (
        lambda c: c['annotations'][0].update(video_id=5),
        'track 1 is of video 5',
    ),
    'foreign class': (
        lambda c: c['annotations'][1].update(category_id=9),
        'track 2 is of class 9',
    ),
    'mask missing': (
        lambda c: c['annotations'][0]['segmentations'].pop(),
        'track 1 has 2 masks, but its video has 3 frames; .*--drop-mismatched',
    ),
    'size': (
        lambda c: c['annotations'][0]['segmentations'][0].update(size=[12, 10]),
        r'track 1, frame 0: mask is \[12, 10\], its frame \[10, 12\]',
    ),
    'runs': (
        lambda c: c['annotations'][0]['segmentations'][0]['counts'].append(1),
        'track 1, frame 0: run-length code is of 121 pixels',
    ),
    'polygon': (
        lambda c: c['annotations'][0]['segmentations'].__setitem__(2, ['no']),
        'track 1, frame 2: polygon is no list of numbers',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told(name: str) -> None:
    broken = copy.deepcopy(content())
    harm, message = BREAKS[name]
    harm(broken)
    with pytest.raises(DataError, match=message):
        convert_youtubevis(broken, 'train.json')
