"""Mapillary Vistas v1.2 and v2.0: labels, instances, groups, and broken files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_mapillary, write_json

SIZE = (8, 10)
V12 = ['construction--flat--road', 'human--person', 'object--vehicle--car']
V20 = [
    'construction--flat--road',
    'human--person--individual',
    'human--person--person-group',
    'object--vehicle--car',
    'object--vehicle--vehicle-group',
]


def config_of(names: list[str]) -> str:
    labels = [
        dict(
            name=name,
            readable=name.rpartition('--')[2],
            instances=not name.endswith(('road', 'group')),
            evaluate=True,
            color=[0, 0, 0],
        )
        for name in names
    ]
    return json.dumps(dict(labels=labels, version='1.2', mapping='public'))


def pixels_of(place: int, person: int, car: int, group: int | None) -> np.ndarray:
    """Road; two persons, of whom the first is instance 0; a car; a group."""
    pixels = np.zeros(SIZE, dtype=np.uint16)
    pixels[2:5, 1:3] = person * 256
    pixels[2:5, 4:6] = person * 256 + 1
    pixels[6:, place : place + 3] = car * 256 + 3
    if group is not None:
        pixels[:2, 7:] = group * 256
    return pixels


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The package of v2.0, which has v1.2 too."""
    (tmp_path / 'config_v1.2.json').write_text(config_of(V12))
    (tmp_path / 'config_v2.0.json').write_text(config_of(V20))
    for split in ('training', 'validation'):
        folders = ('images', 'v1.2/instances', 'v2.0/instances')
        for folder in folders:
            (tmp_path / split / folder).mkdir(parents=True)
        for place, stem in enumerate(('_b7', 'Ax-1')):
            parts = [Image.new('RGB', SIZE[::-1])]
            parts.append(Image.fromarray(pixels_of(place, 1, 2, None)))
            parts.append(Image.fromarray(pixels_of(place, 1, 3, 2)))
            for folder, part in zip(folders, parts, strict=True):
                suffix = 'jpg' if folder == 'images' else 'png'
                part.save(tmp_path / split / folder / f'{stem}.{suffix}')
    return tmp_path


@pytest.fixture
def old_root(root: Path) -> Path:
    """The package of v1.2: no folder of the version."""
    (root / 'config_v1.2.json').rename(root / 'config.json')
    (root / 'config_v2.0.json').unlink()
    for split in ('training', 'validation'):
        (root / split / 'v1.2/instances').rename(root / split / 'instances')
        shutil.rmtree(root / split / 'v2.0')
    return root


def facts(content: dict) -> list[tuple]:
    return [
        (a['image_id'], a['category_id'], a['iscrowd'], a['bbox'])
        for a in content['annotations']
    ]


PEOPLE = [(1, 2, 0, [1, 2, 2, 3]), (1, 2, 0, [4, 2, 2, 3])]


def test_v12(old_root: Path) -> None:
    content = convert_mapillary(old_root, 'training')
    assert content['categories'] == [dict(id=1, name='car'), dict(id=2, name='person')]
    assert [i['file_name'] for i in content['images']] == ['Ax-1.jpg', '_b7.jpg']
    assert content['images'][0] == dict(id=1, file_name='Ax-1.jpg', width=10, height=8)
    found = facts(content)
    assert found[:3] == [*PEOPLE, (1, 1, 0, [1, 6, 3, 2])]
    assert found[5] == (2, 1, 0, [0, 6, 3, 2]) and len(found) == 6
    assert [a['id'] for a in content['annotations']] == [1, 2, 3, 4, 5, 6]
    assert 'videos' not in content


def test_v20_has_groups_as_crowds(root: Path) -> None:
    content = convert_mapillary(root, 'validation')
    assert facts(content)[:4] == [
        *PEOPLE,
        (1, 2, 1, [7, 0, 3, 2]),
        (1, 1, 0, [1, 6, 3, 2]),
    ]
    assert content['info']['description'] == 'Mapillary Vistas v2.0, validation'


def test_every_pixel_comes_back(root: Path) -> None:
    content = convert_mapillary(root, 'training')
    painted = np.zeros(SIZE, dtype=int)
    for ann in content['annotations']:
        if ann['image_id'] == 2:
            mask = mask_utils.decode(ann['segmentation']).astype(bool)
            painted[mask] = 10 * ann['category_id'] + ann['iscrowd']
            assert ann['area'] == mask.sum()
    truth = pixels_of(0, 1, 3, 2) // 256
    meaning = {0: 0, 1: 20, 2: 21, 3: 10}
    np.testing.assert_array_equal(painted, np.vectorize(meaning.get)(truth))


def test_v12_of_the_new_package(root: Path) -> None:
    content = convert_mapillary(root, 'training', version='v1.2')
    assert facts(content)[:3] == [*PEOPLE, (1, 1, 0, [1, 6, 3, 2])]


def test_other_classes(root: Path) -> None:
    classes = dict(pedestrian=['human--person--individual'])
    content = convert_mapillary(root, 'training', classes)
    assert content['categories'] == [dict(id=1, name='pedestrian')]
    assert [f[1:3] for f in facts(content)] == [(1, 0)] * 4


def test_mmdetection_reads_it(root: Path, tmp_path: Path) -> None:
    path = write_json(convert_mapillary(root, 'training'), tmp_path / 'training.json')
    dataset = CocoDataset(
        ann_file=str(path),
        data_prefix=dict(img=str(root / 'training/images')),
        metainfo=dict(classes=('car', 'person')),
        pipeline=[],
    )
    info = dataset.get_data_info(1)
    assert Path(info['img_path']).is_file()
    labels = [(one['bbox_label'], one['ignore_flag']) for one in info['instances']]
    assert labels == [(1, 0), (1, 0), (1, 1), (0, 0)]


MASK = Path('training/v2.0/instances/_b7.png')
BREAKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    'no config': (
        lambda r: [(r / f'config_{v}.json').unlink() for v in ('v1.2', 'v2.0')],
        r'has no config_v2\.0\.json or config_v1\.2\.json or config\.json; is it Map',
    ),
    'no labels': (
        lambda r: (r / 'config_v2.0.json').write_text('{}'),
        r'config_v2\.0\.json: has no labels',
    ),
    'label without a name': (
        lambda r: (r / 'config_v2.0.json').write_text('{"labels": [{}]}'),
        r'labels\[0\] has no name or instances',
    ),
    'other labels': (
        lambda r: (r / 'config_v2.0.json').write_text(config_of(V12)),
        r'config_v2\.0\.json: has no label object--vehicle--vehicle-group \(of class',
    ),
    'value of no label': (
        lambda r: Image.fromarray(pixels_of(0, 1, 9, 2)).save(r / MASK),
        r'_b7\.png: value 2307 is of label 9, but the config has 5; is it of another',
    ),
    'no split': (
        lambda r: shutil.rmtree(r / 'training'),
        'training/images: no such folder',
    ),
    'no pictures': (
        lambda r: [p.unlink() for p in (r / 'training/images').iterdir()],
        'training/images: has no pictures',
    ),
    'mask missing': (
        lambda r: (r / MASK).unlink(),
        r'images/_b7\.jpg: has no instance png _b7\.png',
    ),
    'picture missing': (
        lambda r: (r / 'training/images/_b7.jpg').unlink(),
        r'instances/_b7\.png: has no picture',
    ),
    'picture cut': (
        lambda r: (r / 'training/images/_b7.jpg').write_bytes(b'no'),
        r'images/_b7\.jpg: cannot be read as an image',
    ),
    'mask cut': (
        lambda r: (r / MASK).write_bytes((r / MASK).read_bytes()[:60]),
        r'instances/_b7\.png: cannot be read as a mask',
    ),
    'mask resized': (
        lambda r: Image.fromarray(np.zeros((3, 4), np.uint16)).save(r / MASK),
        r'instances/_b7\.png: is 4 x 3, but its frame is 10 x 8',
    ),
    'colours': (
        lambda r: Image.new('RGB', (10, 8)).save(r / MASK),
        r'instances/_b7\.png: has 3 channels; one of 16 bits',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told_in_one_line(root: Path, name: str) -> None:
    harm, message = BREAKS[name]
    harm(root)
    with pytest.raises(DataError, match=message) as caught:
        convert_mapillary(root, 'training')
    assert '\n' not in str(caught.value)


def test_a_version_that_is_not_there(old_root: Path) -> None:
    with pytest.raises(DataError, match=r'has no config_v2\.0\.json; is it Map'):
        convert_mapillary(old_root, 'training', version='v2.0')


def test_a_label_in_two_classes(root: Path) -> None:
    label = 'object--vehicle--car'
    with pytest.raises(DataError, match=f'label {label} is in two classes'):
        convert_mapillary(root, 'training', dict(car=[label], vehicle=[label]))
