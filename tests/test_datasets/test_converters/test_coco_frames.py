"""COCO json of single frames and of whole sequences, as annotation tools write it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters import convert_coco_frames
from mmvist.datasets.converters.cocovid import encode_mask

HEIGHT, WIDTH, LENGTH = 10, 12, 3
CATEGORIES = [dict(id=1, name='person'), dict(id=2, name='car')]


def mask_of(t: int, what: str) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    x, y = {'person': (t, 1), 'car': (6, 5), 'crowd': (0, 8)}[what]
    mask[y : y + 2, x : x + 3] = True
    return mask


def annotations_of(t: int) -> list[dict]:
    """A person as polygon, a car as run lengths, from frame 1 on a crowd."""
    x = float(t)
    runs = mask_of(t, 'car').flatten(order='F')
    edges = np.flatnonzero(np.diff(runs, prepend=False)).tolist()
    counts = np.diff([0, *edges, runs.size]).tolist()
    code = encode_mask(mask_of(t, 'crowd'))['counts'].decode()
    found: list[dict] = [
        dict(
            id=10 * t + 1,
            category_id=1,
            segmentation=[[x, 1, x + 3, 1, x + 3, 3, x, 3]],
            attributes=dict(occluded=False, track_id=0, keyframe=True),
        ),
        dict(
            id=10 * t + 2,
            category_id=2,
            segmentation=dict(size=[HEIGHT, WIDTH], counts=counts),
            track_id='7',
            attributes=[],
        ),
        dict(
            id=10 * t + 3,
            category_id=1,
            segmentation=dict(size=[HEIGHT, WIDTH], counts=code),
            iscrowd=1,
        ),
    ]
    for one in found:
        one.update(image_id=1, bbox=[0, 0, 0, 0], area=0)
    return found if t else found[:2]


def coco(t: int) -> dict:
    image = dict(id=1, file_name=f'frame_{t:06}.PNG', height=HEIGHT, width=WIDTH)
    return dict(images=[image], annotations=annotations_of(t), categories=CATEGORIES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sequences alike."""
    for name in ('a', 'b'):
        for folder in ('images', 'annotations'):
            (tmp_path / folder / name).mkdir(parents=True)
        for t in range(LENGTH):
            frame = Image.new('RGB', (WIDTH, HEIGHT), (20 * t, 0, 0))
            frame.save(tmp_path / f'images/{name}/frame_{t:06}.png')
            path = tmp_path / f'annotations/{name}/frame_{t:06}.json'
            path.write_text(json.dumps(coco(t)))
    return tmp_path


def whole(root: Path, name: str = 'a') -> Path:
    """Put the json of all frames together, as CVAT does it."""
    images, annotations = [], []
    for t in range(LENGTH):
        one = coco(t)
        images.append(dict(one['images'][0], id=t + 1))
        annotations += [dict(a, image_id=t + 1) for a in one['annotations']]
    shutil.rmtree(root / 'annotations' / name)
    path = root / 'annotations' / f'{name}.json'
    path.write_text(
        json.dumps(
            dict(
                images=images[::-1],
                annotations=annotations[::-1],
                categories=CATEGORIES,
            )
        )
    )
    return path


def facts(content: dict) -> set[tuple]:
    return {
        (a['image_id'], a['category_id'], a['instance_id'], a['iscrowd'])
        for a in content['annotations']
    }


def test_every_pixel_comes_back(root: Path) -> None:
    content = convert_coco_frames(root, ['a', 'b'])
    assert content['categories'] == CATEGORIES
    assert [v['name'] for v in content['videos']] == ['a', 'b']
    assert content['images'][1]['file_name'] == 'a/frame_000001.png'
    frames = {i['id']: i['frame_id'] for i in content['images']}
    for ann in content['annotations']:
        what = 'crowd' if ann['iscrowd'] else ('person', 'car')[ann['category_id'] - 1]
        np.testing.assert_array_equal(
            mask_utils.decode(ann['segmentation']),
            mask_of(frames[ann['image_id']], what),
        )
    first = {f for f in facts(content) if f[0] <= LENGTH}
    people = {(i, 1, 1, 0) for i in (1, 2, 3)} | {(i, 2, 2, 0) for i in (1, 2, 3)}
    assert first == people | {(2, 1, 10000, 1), (3, 1, 10000, 1)}
    assert {f[2] for f in facts(content) if f[0] > LENGTH} == {3, 4, 10000}


def test_one_json_for_the_sequence(root: Path) -> None:
    expected = convert_coco_frames(root, ['a'])
    whole(root)
    found = convert_coco_frames(root, ['a'])
    assert facts(found) - {(1, 1, 1, 0)} == {
        # numbered by the order of the file, which is the other way round
        (image, category, {1: 2, 2: 1, 10000: 10000}[instance], crowd)
        for image, category, instance, crowd in facts(expected)
    } - {(1, 1, 1, 0)}
    assert len(found['annotations']) == len(expected['annotations']) == 8


def test_jsons_beside_the_frames(root: Path) -> None:
    expected = convert_coco_frames(root, ['a'])
    for path in (root / 'annotations/a').iterdir():
        path.rename(root / 'images/a' / path.name)
    assert convert_coco_frames(root, ['a'], annotations='images') == expected


def test_classes_are_taken_and_ordered(root: Path) -> None:
    content = convert_coco_frames(root, ['a'], ['car'])
    assert content['categories'] == [dict(id=1, name='car')]
    assert facts(content) == {(i, 1, 1, 0) for i in (1, 2, 3)}
    content = convert_coco_frames(root, ['a'], ['car', 'person'])
    assert [c['name'] for c in content['categories']] == ['car', 'person']
    assert (1, 2, 1, 0) in facts(content)  # the person comes first in the file
    with pytest.raises(DataError, match=r"no file has the class tram; .*'car', 'pers"):
        convert_coco_frames(root, ['a'], ['car', 'tram'])


def test_another_key_of_the_identity(root: Path) -> None:
    with pytest.raises(DataError, match='annotation 1 has no object_id, itself or in'):
        convert_coco_frames(root, ['a'], identity_keys=['object_id'])
    for t in range(LENGTH):
        change(root, t, lambda c: [a.update(object_id=5) for a in c['annotations'][:1]])
    content = convert_coco_frames(root, ['a'], ['person'], identity_keys=['object_id'])
    assert {f[2] for f in facts(content)} == {1, 10000}


def test_numbers_of_categories_may_differ_from_file_to_file(root: Path) -> None:
    def swap(content: dict) -> None:
        content['categories'] = [dict(id=1, name='car'), dict(id=2, name='person')]
        for one in content['annotations']:
            one['category_id'] = 3 - one['category_id']

    expected = convert_coco_frames(root, ['a'])
    change(root, 1, swap)
    assert convert_coco_frames(root, ['a']) == expected


def change(root: Path, t: int, edit: Callable[[dict], Any]) -> None:
    path = root / f'annotations/a/frame_{t:06}.json'
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def broken(t: int, edit: Callable[[dict], Any]) -> Callable[[Path], None]:
    return lambda root: change(root, t, edit)


JSON = Path('annotations/a/frame_000001.json')
BREAKS: dict[str, tuple[Callable[[Path], Any], str]] = {
    'json missing': (
        lambda r: (r / JSON).unlink(),
        r'frame_000001\.png: has no mask a/frame_000001\.json in .*empty lists',
    ),
    'frame missing': (
        lambda r: (r / 'images/a/frame_000001.png').unlink(),
        r'frame_000001\.json: has no frame frame_000001 in',
    ),
    'json cut': (lambda r: (r / JSON).write_text('{'), r'01\.json: is no json'),
    'json a list': (lambda r: (r / JSON).write_text('[]'), 'holds no object but a'),
    'no annotations': (
        broken(1, lambda c: c.pop('annotations')),
        r'01\.json: has no list of annotations',
    ),
    'no identity': (
        broken(1, lambda c: c['annotations'][1].pop('track_id')),
        r'01\.json: annotation 12 has no track_id or instance_id, .*--identity',
    ),
    'one identity twice': (
        broken(1, lambda c: c['annotations'][1].update(track_id=0)),
        'annotation 12 is of instance 0, which is in this frame already',
    ),
    'identity of another class': (
        broken(1, lambda c: c['annotations'][0].update(category_id=2)),
        'annotation 11 says that instance 0 is a car; before it was a person',
    ),
    'foreign category': (
        broken(1, lambda c: c['annotations'][0].update(category_id=9)),
        'annotation 11 is of category 9: not there',
    ),
    'new class': (
        broken(1, lambda c: c['categories'][0].update(name='tram')),
        r"annotation 11 is a tram, which is none of \['person', 'car'\]",
    ),
    'foreign image': (
        broken(1, lambda c: c['annotations'][0].update(image_id=9)),
        'annotation 11 is of image 9: not there',
    ),
    'box alone': (
        broken(1, lambda c: c['annotations'][0].update(segmentation=[])),
        'annotation 11 has no segmentation; a box alone is no mask',
    ),
    'mask': (
        broken(1, lambda c: c['annotations'][1]['segmentation'].update(counts=[3])),
        'annotation 12: run-length code is of 3 pixels',
    ),
    'size': (
        broken(1, lambda c: c['images'][0].update(width=99)),
        r'01\.json: says 99 x 10 of image frame_000001\.PNG, but its frame is 12 x 10',
    ),
    'another frame': (
        broken(1, lambda c: c['images'][0].update(file_name='x\\frame_000002.png')),
        r'is of image x\\frame_000002\.png, not of its frame frame_000001\.png',
    ),
    'two images': (
        broken(1, lambda c: c['images'].append(dict(id=2))),
        r'01\.json: has 2 images, not one',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told_in_one_line(root: Path, name: str) -> None:
    harm, message = BREAKS[name]
    harm(root)
    with pytest.raises(DataError, match=message) as caught:
        convert_coco_frames(root, ['a'])
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('edit', 'message'),
    [
        (lambda c: c['images'].pop(), r'a\.json: has 0 images for frame .*00\.png'),
        (
            lambda c: c['images'][0].update(file_name='7.png'),
            r'a\.json: image 7\.png has no frame in .*images/a; add it',
        ),
        (lambda c: c.update(images=[], annotations=[]), 'has 0 images for frame'),
    ],
)
def test_a_json_of_the_sequence_that_does_not_fit(
    root: Path, edit: Callable[[dict], Any], message: str
) -> None:
    path = whole(root)
    content = json.loads(path.read_text())
    edit(content)
    content['annotations'] = []
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        convert_coco_frames(root, ['a'])
