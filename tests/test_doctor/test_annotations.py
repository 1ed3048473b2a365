"""Each thing that can be wrong in an annotation file, made wrong alone."""

import copy
import json
from collections.abc import Callable

import pytest

from mmvist.doctor.annotations import AnnotationCheck
from mmvist.doctor.finding import ERROR, NOTE
from mmvist.testing import write_toy_mots


@pytest.fixture(scope='module')
def good(tmp_path_factory: pytest.TempPathFactory) -> dict:
    return json.loads(write_toy_mots(tmp_path_factory.mktemp('toy')).read_text())


def findings(content: dict) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    check = AnnotationCheck(content, 'a.json', lambda *one: found.append(one))
    check.check_frames()
    check.check_videos()
    check.check_instances()
    check.check_sizes()
    return found


def test_a_good_file_has_none(good: dict) -> None:
    assert findings(good) == []
    check = AnnotationCheck(good, 'a.json', lambda *one: None)
    assert check.summary() == '1 videos, 6 frames, 13 masks of 3 instances'


def drop_frame(content: dict) -> None:
    content['images'].pop(2)
    content['annotations'] = [a for a in content['annotations'] if a['image_id'] != 3]


def overlap(content: dict) -> None:
    """The pedestrian gets the mask of the first car."""
    car, pedestrian = content['annotations'][:2]
    pedestrian.update(segmentation=car['segmentation'], bbox=car['bbox'])


def repeat(content: dict) -> None:
    content['annotations'][1]['instance_id'] = 1


def two_sizes(content: dict) -> None:
    content['videos'].append(dict(id=2, name='0001'))
    content['images'].append(
        dict(id=7, video_id=2, frame_id=0, file_name='0001/0.png', width=9, height=8)
    )


def change(place: int, **values: object) -> Callable[[dict], None]:
    """Other values in an annotation; None takes the key away."""

    def apply(content: dict) -> None:
        entry = content['annotations'][place]
        entry.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del entry[key]

    return apply


def cut_counts(content: dict) -> None:
    mask = content['annotations'][0]['segmentation']
    mask['counts'] = mask['counts'][:-1]


def add_empty_video(content: dict) -> None:
    content['videos'].append(dict(id=2, name='0001'))
    content['images'].append(dict(content['images'][0], id=99, video_id=2))


EMPTY_MASK = dict(size=[64, 96], counts=[64 * 96])
NEGATIVE = dict(size=[64, 96], counts=[100, -5, 64 * 96 - 95])

TABLE = [
    (drop_frame, NOTE, 'video 0000: frame 000002 is missing, so that frame 000003 t'),
    (drop_frame, NOTE, '2 of 5 frames have no predecessor (1 begin a video, 1 follow'),
    (overlap, NOTE, 'instances 1 and 2 overlap in image 1 (0000/000000.png) by 336 p'),
    (repeat, ERROR, 'instance 1 appears twice in image 1; remove one or give it an'),
    (change(0, instance_id=0), ERROR, 'annotation 1 has instance_id 0'),
    (change(0, instance_id=None), ERROR, 'annotation 1 has no instance_id; number'),
    (change(0, instance_id='1'), ERROR, "has instance_id '1'; write a whole number"),
    (change(0, category_id=7), ERROR, "of class 7, which is none of {1: 'car', 2:"),
    (change(2, category_id=2), ERROR, 'instance 1 is a car in image 1 and a pedestri'),
    (change(0, image_id=99), ERROR, 'annotation 1 is of image 99'),
    (change(0, bbox=[8, 20, 30, 14]), ERROR, 'fills [8.0, 20.0, 24.0, 14.0]; write'),
    (change(0, bbox=[8, 20]), ERROR, 'has bbox [8, 20], but its mask fills'),
    (change(0, bbox=None), ERROR, 'annotation 1 has no bbox; add it'),
    (change(0, segmentation=None), ERROR, 'annotation 1 has no segmentation; add it'),
    (change(0, segmentation=EMPTY_MASK), NOTE, 'annotation 1 has an empty mask'),
    (change(0, segmentation=[['x']]), ERROR, 'annotation 1: polygon is no list of'),
    # pycocotools would take it for a box
    (change(0, segmentation=[[8, 20, 24, 14]]), ERROR, 'polygon of 4 numbers; three'),
    (change(0, segmentation=NEGATIVE), ERROR, '-5 is no length of a run; write the'),
    (change(1, id=1), ERROR, 'annotation id 1 comes twice; number anew'),
    (
        change(0, segmentation=dict(size=[6, 9], counts=[50, 4])),
        ERROR,
        'annotation 1: mask is [6, 9], its frame [64, 96] (height, width); write',
    ),
    (cut_counts, ERROR, 'annotation 1: run-length code '),
    (
        lambda c: c['categories'].append(dict(id=3, name='bus')),
        NOTE,
        'class bus has',
    ),
    (lambda c: c['videos'].append(dict(id=2)), ERROR, 'video 2 has no frames; remove'),
    (lambda c: c['images'][0].pop('width'), ERROR, 'image 1 has no width; add it'),
    (lambda c: c['images'][0].update(video_id=5), ERROR, 'image 1 is of video 5, whi'),
    (lambda c: c['images'][1].update(frame_id=0), ERROR, 'video 0000 has frame_id 0 t'),
    (add_empty_video, NOTE, 'video 0001 has no instance in any of its 1 frames'),
    (
        lambda c: c['images'][5].update(width=90),
        ERROR,
        'frames of 96 x 64 (5), 90 x 64 (1); a video has one size',
    ),
    (two_sizes, NOTE, 'videos are of 96 x 64 (1), 9 x 8 (1); a batch is padded'),
]


@pytest.mark.parametrize('damage, level, said', TABLE)
def test_what_is_wrong_is_said(
    good: dict, damage: Callable[[dict], None], level: str, said: str
) -> None:
    content = copy.deepcopy(good)
    damage(content)
    found = findings(content)
    assert any(one == level and said in text for one, text in found), found
    for _, text in found:
        assert text.startswith('a.json: ') and '\n' not in text and ';' in text


def test_boxes_may_be_off_by_a_rounding(good: dict) -> None:
    content = copy.deepcopy(good)
    content['annotations'][0]['bbox'] = [6.5, 21.0, 26.0, 13.0]
    assert findings(content) == []


def test_all_is_said_not_only_the_first(good: dict) -> None:
    content = copy.deepcopy(good)
    change(0, category_id=7)(content)
    change(2, instance_id=0)(content)
    change(3, bbox=None)(content)
    drop_frame(content)
    levels = [level for level, _ in findings(content)]
    assert levels.count(ERROR) == 3 and levels.count(NOTE) == 2


def test_an_ignore_region_needs_no_class(good: dict) -> None:
    content = copy.deepcopy(good)
    change(0, category_id=10, ignore=True, iscrowd=1, instance_id=10000)(content)
    assert findings(content) == []


def test_videos_without_truth_are_one_note(good: dict) -> None:
    """Nobody is to leave classes out of what a benchmark's server judges."""
    good = copy.deepcopy(good)
    good['annotations'].clear()
    [(level, note)] = findings(good)
    assert level == NOTE
    assert 'has no instance at all' in note and '--format-only' in note
