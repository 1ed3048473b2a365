"""Which frames and instances a sample holds, and what host transforms make of it."""

import copy
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvist.datasets import AdjacentFrameSample, FrameIndex
from mmvist.testing import TOY_IDS, toy_boxes, toy_dataset, toy_masks, toy_pipeline


def video(*frames: tuple[int, list[int]], key: int | None = None) -> dict:
    """A video of (frame_id, instance ids); the box tells frame and instance."""
    images = [
        dict(
            frame_id=frame_id,
            img_id=100 + frame_id,
            instances=[
                dict(instance_id=i, bbox=[i, frame_id, i + 1, frame_id + 1])
                for i in ids
            ],
        )
        for frame_id, ids in frames
    ]
    infos = dict(video_id=7, video_length=len(images), images=images)
    return infos if key is None else {**infos, 'key_frame_id': key}


def sample(infos: dict, **kwargs: object) -> dict:
    return AdjacentFrameSample(**{'first_frame_prob': 0.0, **kwargs})(infos)


@pytest.mark.parametrize(
    ('key', 'frames', 'is_first', 'has_next'),
    [
        (0, [0, 0, 1], True, True),
        (1, [0, 1, 2], False, True),
        (2, [1, 2, 2], False, False),
    ],
)
def test_neighbours(
    key: int, frames: list[int], is_first: bool, has_next: bool
) -> None:
    results = sample(video((0, [1]), (1, [1]), (2, [1]), key=key))
    assert results['frame_id'] == frames
    assert results['is_first'] == [is_first] * 3
    assert results['has_next'] == [has_next] * 3
    assert results['key_frame_flags'] == [False, True, False]
    assert results['video_id'] == [7] * 3
    assert results['video_length'] == [3] * 3
    assert results['ori_video_length'] == [3] * 3


def test_every_value_is_a_list_of_three() -> None:
    results = sample(video((0, []), key=0))
    assert all(isinstance(v, list) and len(v) == 3 for v in results.values())


def test_first_frame_copies_t_without_its_instances() -> None:
    results = sample(video((0, [1, 2]), (1, [1]), key=0))
    assert results['img_id'] == [100, 100, 101]
    assert [len(i) for i in results['instances']] == [0, 2, 1]
    assert results['instance_ages'] == [{}, {1: 0, 2: 0}, {1: 0}]


def test_video_of_one_frame() -> None:
    results = sample(video((0, [1])))
    assert results['frame_id'] == [0, 0, 0]
    assert results['is_first'][1] and not results['has_next'][1]
    assert [len(i) for i in results['instances']] == [0, 1, 1]


def test_gaps_end_the_video() -> None:
    infos = video((0, [1]), (2, [1]), (4, [1]), key=1)
    results = sample(infos)
    assert results['frame_id'] == [2, 2, 2]
    assert results['is_first'][0] and not results['has_next'][0]
    assert results['instances'][0] == []


def test_lost_instances_come_with_age_and_last_box() -> None:
    # 5 is lost at 0 (age 3), 6 at 2 (age 1), 7 is new at t and not known before
    infos = video((0, [1, 5]), (1, [1, 6]), (2, [6]), (3, [1]), (4, [1, 5, 7]), key=4)
    results = sample(infos)
    assert results['instance_ages'] == [{1: 0, 6: 1, 5: 3}, {1: 0, 5: 0, 7: 0}] + [
        {1: 0, 5: 0, 7: 0}
    ]
    known = {i['instance_id']: i['bbox'] for i in results['instances'][0]}
    # 6 moved by one row a frame and goes on so; of 5 one frame was seen
    assert known == {1: [1, 3, 2, 4], 6: [6, 3, 7, 4], 5: [5, 0, 6, 1]}


def test_a_lost_instance_is_where_the_whole_object_would_be() -> None:
    """20 wide, 3 a frame, behind an edge at 60: gone after ten frames of hiding."""
    lefts = range(21, 60, 3)
    infos = video(*[(t, [5]) for t in range(len(lefts))], key=len(lefts) + 2)
    for image, left in zip(infos['images'], lefts):
        image['instances'][0]['bbox'] = [left, 0, min(left + 20, 60), 30]
    later = video(*[(len(lefts) + t, [1]) for t in range(4)])
    infos['images'] += later['images']
    results = sample(infos)
    assert results['instance_ages'][0] == {1: 0, 5: 2}
    known = {i['instance_id']: i['bbox'] for i in results['instances'][0]}
    true = [lefts[-1] + 6, 0, lefts[-1] + 26, 30]
    assert np.abs(np.array(known[5]) - true).max() < 3


@pytest.mark.parametrize(
    ('max_age', 'ages'), [(0, {1: 0}), (2, {1: 0}), (3, {1: 0, 5: 3})]
)
def test_max_age(max_age: int, ages: dict[int, int]) -> None:
    infos = video((0, [1, 5]), (1, [1]), (2, [1]), (3, [1]), (4, [1]), key=4)
    assert sample(infos, max_age=max_age)['instance_ages'][0] == ages


def test_lost_instances_are_not_taken_from_before_a_gap() -> None:
    infos = video((0, [5]), (2, [1]), (3, [1]), key=2)
    assert sample(infos)['instance_ages'][0] == {1: 0}


def test_ignored_instances_are_not_remembered() -> None:
    infos = video((0, [5]), (1, [1]), (2, [1]), key=2)
    infos['images'][0]['instances'][0]['ignore_flag'] = 1
    assert sample(infos)['instance_ages'][0] == {1: 0}


def test_input_stays_as_it_was() -> None:
    infos = video((0, [1, 5]), (1, [1]), (2, [1]), key=2)
    before = copy.deepcopy(infos)
    results = sample(infos)
    results['instances'][0][0]['bbox'][0] = -1
    assert infos == before
    assert results['instances'][1][0]['bbox'][0] == 1


def test_key_frame_is_drawn_where_none_is_given() -> None:
    infos = video(*[(i, []) for i in range(5)])
    drawn = {sample(infos)['frame_id'][1] for _ in range(100)}
    assert drawn == set(range(5))


def test_first_frames_are_drawn_at_the_given_rate() -> None:
    infos = video((0, [1]), (1, [1]), (2, [1]), key=1)
    transform = AdjacentFrameSample(first_frame_prob=0.3)
    firsts = [transform(infos) for _ in range(500)]
    rate = np.mean([r['is_first'][0] for r in firsts])
    assert 0.24 < rate < 0.36
    for results in firsts:
        expected = [1, 1, 2] if results['is_first'][0] else [0, 1, 2]
        assert results['frame_id'] == expected
        assert bool(results['instances'][0]) != results['is_first'][0]


@pytest.mark.parametrize('kwargs', [dict(first_frame_prob=1.1), dict(max_age=-1)])
def test_bad_arguments(kwargs: dict) -> None:
    with pytest.raises(ValueError, match='first_frame_prob must be'):
        AdjacentFrameSample(**kwargs)


def _mask_box(mask: np.ndarray) -> list[int]:
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [cols[0], rows[0], cols[-1] + 1, rows[-1] + 1]


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_three_frames_stay_aligned_through_resize_and_flip(
    toy_root: Path, flip: float
) -> None:
    pipeline = toy_pipeline(scale=(192, 128), flip_prob=flip, first_frame_prob=0.0)
    dataset = toy_dataset(toy_root, pipeline=pipeline)
    masks, t = toy_masks(), 4
    packed = dataset[0, t]
    frames = packed['data_samples'].video_data_samples
    assert packed['inputs'].shape == (3, 3, 128, 192)
    assert packed['data_samples'].key_frames_inds == [1]
    # the pedestrian, away at t-1 = 3, was last seen at 1
    seen_at = [{1: 3, 3: 3, 2: 1}, {1: 4, 2: 4, 3: 4}, {1: 5, 2: 5, 3: 5}]
    for frame, seen, picture in zip(frames, seen_at, packed['inputs'], strict=True):
        truth = frame.gt_instances
        ids = truth.instances_ids.tolist()
        assert sorted(ids) == sorted(seen)
        for i, identity in enumerate(ids):
            mask = masks[seen[identity]] == TOY_IDS[identity]
            mask = np.kron(mask, np.ones((2, 2)))
            mask = mask[:, ::-1] if flip else mask
            found = truth.masks.masks[i]
            np.testing.assert_array_equal(found, mask)
            assert truth.bboxes[i].tolist() == _mask_box(found)
            assert truth.labels[i] == (identity == 2)
            if identity == 1 and seen[identity] == frame.frame_id:
                # BGR; away from the rim that the resize has mixed
                inner = torch.from_numpy(found.copy()).bool()
                for shift in itertools.product((2, -2), (2, -2)):
                    inner &= torch.roll(inner, shift, (0, 1))
                assert picture[:, inner].T.unique(dim=0).tolist() == [[30, 40, 220]]
    assert [f.instance_ages for f in frames] == [
        {1: 0, 3: 0, 2: 2},
        {1: 0, 2: 0, 3: 0},
        {1: 0, 2: 0, 3: 0},
    ]
    assert {f.is_first for f in frames} == {False}
    assert {f.has_next for f in frames} == {True}


def test_empty_first_frame_goes_through_the_host(toy_root: Path) -> None:
    dataset = toy_dataset(toy_root)
    first = dataset[0, 0]['data_samples'].video_data_samples[0]
    assert first.is_first and first.instance_ages == {}
    assert first.gt_instances.bboxes.shape == (0, 4)
    assert len(first.gt_instances.masks) == 0
    assert first.frame_id == 0


def test_instance_can_be_lost_that_never_comes_back(toy_root: Path) -> None:
    # at t=3 the pedestrian, away at 2, is still away: known, without a target
    before, now, _ = toy_dataset(toy_root)[0, 3]['data_samples'].video_data_samples
    assert before.instance_ages == {1: 0, 2: 1}
    assert 2 not in now.gt_instances.instances_ids.tolist()
    assert toy_boxes(1)[2] == (70, 30, 80, 56)
    last = before.gt_instances.bboxes[before.gt_instances.instances_ids == 2]
    assert last.tolist() == [[70, 30, 80, 56]]


def test_a_drawn_flip_is_that_of_all_three_frames(toy_root: Path) -> None:
    pipeline = toy_pipeline(flip_prob=0.5, first_frame_prob=0.0)
    dataset = toy_dataset(toy_root, pipeline=pipeline)
    drawn = set()
    for seed in range(12):
        frames = dataset[FrameIndex(0, 2, seed)]['data_samples'].video_data_samples
        flips = {frame.flip for frame in frames}
        assert len(flips) == 1
        drawn |= flips
    assert drawn == {False, True}
