"""Good data to the last pixel, and one clear line for each way to break it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_kitti_mots
from mmvist.testing import TOY_IDS, toy_masks, write_toy_mots

FRAMES, MASKS = Path('training/image_02/0000'), Path('instances/0000')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A toy set that a test may break."""
    write_toy_mots(tmp_path)
    return tmp_path


def save_mask(root: Path, t: int, mask: np.ndarray) -> None:
    Image.fromarray(mask.astype(np.uint16)).save(root / MASKS / f'{t:06}.png')


def test_every_pixel_comes_back(root: Path) -> None:
    content = convert_kitti_mots(root, ['0000'])
    masks = toy_masks()
    found = np.zeros_like(masks)
    for ann in content['annotations']:
        mask = mask_utils.decode(ann['segmentation']).astype(bool)
        found[ann['image_id'] - 1][mask] = TOY_IDS[ann['instance_id']]
        rows, cols = np.nonzero(mask)
        x, y, w, h = ann['bbox']
        assert (x, y) == (cols.min(), rows.min())
        assert (x + w, y + h) == (cols.max() + 1, rows.max() + 1)
        assert ann['area'] == mask.sum() and ann['iscrowd'] == 0
        assert ann['category_id'] == TOY_IDS[ann['instance_id']] // 1000
    np.testing.assert_array_equal(found, masks)


def test_videos_images_and_categories(root: Path) -> None:
    content = convert_kitti_mots(root, ['0000'])
    assert content['videos'] == [dict(id=1, name='0000', width=96, height=64, length=6)]
    assert content['images'][2] == dict(
        id=3, video_id=1, frame_id=2, file_name='0000/000002.png', width=96, height=64
    )
    assert content['categories'] == [
        dict(id=1, name='car'),
        dict(id=2, name='pedestrian'),
    ]


def test_instance_ids_are_unique_over_the_file(root: Path) -> None:
    for folder in (FRAMES, MASKS):
        shutil.copytree(root / folder, (root / folder).with_name('0001'))
    content = convert_kitti_mots(root, ['0001', '0000'])
    ids: dict[int, set] = {}
    for ann in content['annotations']:
        ids.setdefault(ann['video_id'], set()).add(ann['instance_id'])
    assert ids == {1: {1, 2, 3}, 2: {4, 5, 6}}
    assert [v['name'] for v in content['videos']] == ['0001', '0000']


def test_ignore_regions(root: Path) -> None:
    mask = toy_masks()[0]
    mask[:5, :5], mask[:5, 50:53] = 10000, 10002
    save_mask(root, 0, mask)
    content = convert_kitti_mots(root, ['0000'])
    (region,) = [a for a in content['annotations'] if a.get('ignore')]
    assert region['category_id'] == 10 and region['instance_id'] == 10000
    assert region['iscrowd'] == 1 and region['area'] == 25 + 15
    assert 10 not in {c['id'] for c in content['categories']}


def test_jpg_frames_that_start_at_one(root: Path) -> None:
    for t in reversed(range(6)):
        frame = root / FRAMES / f'{t:06}.png'
        Image.open(frame).save(root / FRAMES / f'{t + 1:06}.jpg')
        frame.unlink()
        (root / MASKS / f'{t:06}.png').rename(root / MASKS / f'{t + 1:06}.png')
    images = convert_kitti_mots(root, ['0000'])['images']
    assert [i['frame_id'] for i in images] == list(range(6))
    assert images[0]['file_name'] == '0000/000001.jpg'


def test_gap_is_accepted_when_asked_for(root: Path) -> None:
    for folder in (FRAMES, MASKS):
        (root / folder / '000002.png').unlink()
    content = convert_kitti_mots(root, ['0000'], allow_gaps=True)
    assert [i['frame_id'] for i in content['images']] == [0, 1, 3, 4, 5]
    assert content['videos'][0]['length'] == 5


def test_other_classes_and_folders(root: Path) -> None:
    mask = toy_masks()[0]
    mask[mask == 1001] = 7001
    (root / 'gt').mkdir()
    (root / MASKS).rename(root / 'gt/0000')
    Image.fromarray(mask).save(root / 'gt/0000/000000.png')
    (root / 'images').mkdir()
    (root / FRAMES).rename(root / 'images/0000')
    classes = {1: 'car', 2: 'person', 7: 'tram'}
    content = convert_kitti_mots(
        root, ['0000'], classes, frames='images', instances='gt'
    )
    names = {c['id']: c['name'] for c in content['categories']}
    assert names == classes
    first = [a for a in content['annotations'] if a['image_id'] == 1]
    assert {a['category_id'] for a in first} == {2, 7}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:80])


def resize(path: Path) -> None:
    Image.open(path).resize((50, 40), Image.Resampling.NEAREST).save(path)


def wrong_class(path: Path) -> None:
    mask = np.array(Image.open(path))
    mask[0, 0] = 3004
    Image.fromarray(mask).save(path)


BREAKS: dict[str, tuple[Callable[[Path], None], str]] = {
    'frame missing': (
        lambda r: (r / FRAMES / '000002.png').unlink(),
        r'instances/0000/000002\.png: has no frame 000002',
    ),
    'mask missing': (
        lambda r: (r / MASKS / '000002.png').unlink(),
        r'image_02/0000/000002\.png: has no mask 0000/000002\.png',
    ),
    'both missing': (
        lambda r: [(r / f / '000002.png').unlink() for f in (FRAMES, MASKS)],
        r'image_02/0000: frame 000002 is missing.*--allow-gaps',
    ),
    'frame truncated': (
        lambda r: truncate(r / FRAMES / '000003.png'),
        r'image_02/0000/000003\.png: cannot be read as an image',
    ),
    'mask truncated': (
        lambda r: truncate(r / MASKS / '000003.png'),
        r'instances/0000/000003\.png: cannot be read as a mask',
    ),
    'frame no image': (
        lambda r: (r / FRAMES / '000000.png').write_text('no'),
        r'image_02/0000/000000\.png: cannot be read as an image',
    ),
    'frame resized': (
        lambda r: resize(r / FRAMES / '000004.png'),
        r'000004\.png: is 50 x 40, but 000000.png of the same sequence is 96 x 64',
    ),
    'mask resized': (
        lambda r: resize(r / MASKS / '000004.png'),
        r'instances/0000/000004\.png: is 50 x 40, but its frame is 96 x 64',
    ),
    'colour mask': (
        lambda r: shutil.copy(r / FRAMES / '000001.png', r / MASKS / '000001.png'),
        r'instances/0000/000001\.png: has 3 channels',
    ),
    'unknown class': (
        lambda r: wrong_class(r / MASKS / '000005.png'),
        r'instances/0000/000005\.png: value 3004 is of class 3.*--classes',
    ),
    'no number': (
        lambda r: (r / FRAMES / '000005.png').rename(r / FRAMES / 'last.png'),
        r'last\.png: its name is no frame number',
    ),
    'two of one frame': (
        lambda r: shutil.copy(r / FRAMES / '000005.png', r / FRAMES / '000005.jpg'),
        r'000005\.png: the same frame as 000005\.jpg',
    ),
    'empty sequence': (
        lambda r: [p.unlink() for p in (r / FRAMES).iterdir()],
        r'image_02/0000: is empty',
    ),
    'no sequence': (
        lambda r: shutil.rmtree(r / FRAMES),
        r'image_02/0000: no such sequence folder',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told_in_one_line(root: Path, name: str) -> None:
    harm, message = BREAKS[name]
    harm(root)
    with pytest.raises(DataError, match=message) as caught:
        convert_kitti_mots(root, ['0000'])
    assert '\n' not in str(caught.value)


def test_class_ten_is_taken(root: Path) -> None:
    with pytest.raises(DataError, match='class 10 .* is taken'):
        convert_kitti_mots(root, ['0000'], {1: 'car', 10: 'dog'})


def test_headers_only_passes_a_frame_cut_short(root: Path) -> None:
    truncate(root / FRAMES / '000003.png')
    content = convert_kitti_mots(root, ['0000'], check_pixels=False)
    assert len(content['images']) == 6
