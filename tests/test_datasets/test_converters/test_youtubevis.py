"""Every way in which YouTube-VIS files write a mask, and broken ones."""

import copy
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_youtubevis
from mmvist.datasets.converters.cocovid import encode_mask

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
        (1, 1, 5, 1),
        (2, 1, 2, 2),
        (3, 1, 5, 1),
        (3, 1, 2, 2),
        (4, 2, 5, 3),
    ]
    for ann in found['annotations']:
        assert isinstance(ann['segmentation']['counts'], str)
        np.testing.assert_array_equal(mask_utils.decode(ann['segmentation']), BOX)
        assert ann['bbox'] == [3, 2, 6, 4] and ann['area'] == 24


def test_videos_and_images() -> None:
    found = convert_youtubevis(content(), 'train.json')
    assert [v['name'] for v in found['videos']] == ['004', '009']
    assert [v['length'] for v in found['videos']] == [3, 1]
    # every fifth frame of the film is one of the data set: its neighbours
    assert [i['frame_id'] for i in found['images']] == [0, 1, 2, 0]
    assert found['images'][1]['file_name'] == '004/00005.jpg'
    assert found['categories'] == [dict(id=2, name='cat'), dict(id=5, name='dog')]


@pytest.mark.parametrize('annotations', [None, []])
def test_test_sets_have_no_annotations(annotations: list | None) -> None:
    found = convert_youtubevis(dict(content(), annotations=annotations), 'test.json')
    assert found['annotations'] == [] and len(found['images']) == 4


BREAKS: dict[str, tuple[Any, str]] = {
    'no videos': (lambda c: c.update(videos=[]), 'has no videos'),
    'no names': (
        lambda c: c['videos'][1].pop('file_names'),
        'track 7 has 1 masks, but its video has 0 frames|video 9 names no file',
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
        'track 1 has 2 masks, but its video has 3 frames',
    ),
    'size': (
        lambda c: c['annotations'][0]['segmentations'][0].update(size=[12, 10]),
        r'track 1, frame 0: mask is \[12, 10\], its video \[10, 12\]',
    ),
    'runs': (
        lambda c: c['annotations'][0]['segmentations'][0]['counts'].append(1),
        'track 1, frame 0: run lengths do not add up',
    ),
    'polygon': (
        lambda c: c['annotations'][0]['segmentations'].__setitem__(2, ['no']),
        'track 1, frame 2: mask cannot be read',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told(name: str) -> None:
    broken = copy.deepcopy(content())
    harm, message = BREAKS[name]
    harm(broken)
    with pytest.raises(DataError, match=message):
        convert_youtubevis(broken, 'train.json')
