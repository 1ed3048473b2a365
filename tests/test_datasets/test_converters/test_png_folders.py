"""Indexed masks of any instance numbers and classes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_png_folders

SIZE = (6, 8)
LABELS = {'bear': {'1': 'bear', '7': 'dog'}, 'cow': {'1': 'cow'}}
CLASSES = ['cow', 'bear', 'dog']


def masks_of(name: str) -> np.ndarray:
    masks = np.zeros((3, *SIZE), dtype=np.uint8)
    for t, mask in enumerate(masks):
        mask[1:3, t : t + 2] = 1
        if name == 'bear' and t:
            mask[4:, 5:] = 7
            mask[0, 7] = 255
    return masks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ('bear', 'cow'):
        for folder in ('JPEGImages', 'Annotations'):
            (tmp_path / folder / name).mkdir(parents=True)
        for t, mask in enumerate(masks_of(name)):
            frame = np.full((*SIZE, 3), 9 * t, dtype=np.uint8)
            Image.fromarray(frame).save(tmp_path / f'JPEGImages/{name}/{t:05}.jpg')
            indexed = Image.fromarray(mask, mode='P')
            indexed.putpalette([0, 0, 0, 255, 0, 0] * 128)
            indexed.save(tmp_path / f'Annotations/{name}/{t:05}.png')
    return tmp_path


def test_every_pixel_comes_back(root: Path) -> None:
    content = convert_png_folders(root, ['bear', 'cow'], CLASSES, LABELS)
    assert [c['name'] for c in content['categories']] == CLASSES
    names = {c['id']: c['name'] for c in content['categories']}
    seen = []
    for ann in content['annotations']:
        image = content['images'][ann['image_id'] - 1]
        sequence = image['file_name'].partition('/')[0]
        value = 255 if ann.get('ignore') else None
        if value is None:
            label = names[ann['category_id']]
            value = int(next(k for k, v in LABELS[sequence].items() if v == label))
        mask = mask_utils.decode(ann['segmentation']).astype(bool)
        truth = masks_of(sequence)[image['frame_id']] == value
        np.testing.assert_array_equal(mask, truth)
        seen.append((sequence, value, ann['instance_id']))
    assert len(seen) == 3 + 2 + 2 + 3
    assert set(seen) == {
        ('bear', 1, 1),
        ('bear', 7, 2),
        ('bear', 255, 10000),
        ('cow', 1, 3),
    }


def test_one_class_needs_no_labels(root: Path) -> None:
    content = convert_png_folders(root, ['bear'], ['object'])
    judged = [a for a in content['annotations'] if not a.get('ignore')]
    assert {a['category_id'] for a in judged} == {1}
    assert len({a['instance_id'] for a in judged}) == 2


def test_category_ids_go_round_that_of_ignore_regions(root: Path) -> None:
    classes = [f'class{i}' for i in range(12)]
    labels = {'cow': {'1': 'class9'}}
    content = convert_png_folders(root, ['cow'], classes, labels)
    ids = [c['id'] for c in content['categories']]
    assert ids == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
    assert {a['category_id'] for a in content['annotations']} == {11}
    assert not any(a.get('ignore') for a in content['annotations'])


MASK = Path('Annotations/bear/00001.png')
BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    'mask missing': (
        lambda r: (r / MASK).unlink(),
        r'00001\.jpg: has no mask bear/00001\.png in .*Annotations',
    ),
    'frame missing': (
        lambda r: (r / 'JPEGImages/bear/00001.jpg').unlink(),
        r'00001\.png: has no frame 00001 in .*JPEGImages/bear',
    ),
    'colours': (
        lambda r: Image.open(r / MASK).convert('RGB').save(r / MASK),
        r'00001\.png: has 3 channels; an indexed mask has one',
    ),
    'truncated': (
        lambda r: (r / MASK).write_bytes((r / MASK).read_bytes()[:60]),
        r'00001\.png: cannot be read as a mask',
    ),
    'size': (
        lambda r: Image.open(r / MASK).resize((4, 4)).save(r / MASK),
        r'00001\.png: is 4 x 4, but its frame is 8 x 6',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told_in_one_line(root: Path, name: str) -> None:
    harm, message = BREAKS[name]
    harm(root)
    with pytest.raises(DataError, match=message) as caught:
        convert_png_folders(root, ['bear'], ['object'])
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('classes', 'labels', 'message'),
    [
        (CLASSES, None, '3 classes are given, and nothing says of which one'),
        (CLASSES, {}, 'instance 1 of sequence bear has no class in --labels'),
        (['bear'], LABELS, r"instance 7 is a dog, which is none of \['bear'\]"),
    ],
)
def test_classes_that_do_not_fit(root, classes, labels, message) -> None:
    with pytest.raises(DataError, match=message):
        convert_png_folders(root, ['bear'], classes, labels)


@pytest.fixture
def every_fifth(root: Path) -> Path:
    """As YouTube-VOS is annotated: 00000, 00005, 00010."""
    for path in sorted(root.glob('*/*/*'), reverse=True):
        path.rename(path.with_stem(f'{5 * int(path.stem):05}'))
    return root


def test_every_fifth_frame_follows_the_one_before(every_fifth: Path) -> None:
    content = convert_png_folders(every_fifth, ['cow'], ['cow'], stride=5)
    assert [(i['frame_id'], i['file_name']) for i in content['images']] == [
        (0, 'cow/00000.jpg'),
        (1, 'cow/00005.jpg'),
        (2, 'cow/00010.jpg'),
    ]
    with pytest.raises(DataError, match=r'000001 to 000004 are missing.*--stride 5'):
        convert_png_folders(every_fifth, ['cow'], ['cow'])


def test_a_gap_of_a_stride(every_fifth: Path) -> None:
    for kind in ('JPEGImages', 'Annotations'):
        next((every_fifth / kind / 'cow').glob('00005.*')).unlink()
    with pytest.raises(DataError, match=r'frame 000005 is missing'):
        convert_png_folders(every_fifth, ['cow'], ['cow'], stride=5)
    content = convert_png_folders(
        every_fifth, ['cow'], ['cow'], stride=5, allow_gaps=True
    )
    assert [i['frame_id'] for i in content['images']] == [0, 2]
    with pytest.raises(DataError, match=r'000000 and 000010 are not 4 frames apart'):
        convert_png_folders(every_fifth, ['cow'], ['cow'], stride=4, allow_gaps=True)


def test_masks_of_0_and_255_show_no_instance(root: Path) -> None:
    """Segmentation of fore- and background, such as DAVIS 2016."""
    for path in (root / 'Annotations/cow').iterdir():
        pixels = np.array(Image.open(path))
        Image.fromarray(np.where(pixels, 255, 0).astype(np.uint8)).save(path)
    with pytest.raises(DataError, match=r'Annotations: all masks are of 255.*from 1'):
        convert_png_folders(root, ['cow'], ['cow'])
