"""Clips of consecutive frames."""

import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvist.datasets import ConsecutiveFrameSample, FrameIndex
from mmvist.testing import toy_dataset, toy_pipeline, write_toy_mots


def clip(frame_ids, key, num_frames):
    images = [dict(frame_id=one, instances=[dict(x=[0])]) for one in frame_ids]
    video = dict(video_id=3, video_length=len(images), images=images)
    if key is not None:
        video['key_frame_id'] = key
    return ConsecutiveFrameSample(num_frames)(video), images


@pytest.mark.parametrize(
    ('key', 'expected', 'flag'),
    [(5, [3, 4, 5, 6], 2), (0, [0, 1, 2, 3], 0), (1, [0, 1, 2, 3], 1)]
    + [(8, [6, 7, 8, 9], 2), (9, [6, 7, 8, 9], 3)],
)
def test_around_the_key_frame_and_in_the_video(key, expected, flag):
    found, _ = clip(range(10), key, 4)
    assert found['frame_id'] == expected
    assert found['key_frame_flags'] == [place == flag for place in range(4)]
    assert found['video_id'] == [3] * 4 and found['ori_video_length'] == [10] * 4


def test_every_frame_of_a_video_is_taken():
    taken = {one for key in range(12) for one in clip(range(12), key, 8)[0]['frame_id']}
    assert taken == set(range(12))


def test_a_gap_is_an_end():
    ids = [0, 1, 2, 3, 7, 8, 9]
    assert clip(ids, 3, 3)[0]['frame_id'] == [1, 2, 3]
    assert clip(ids, 4, 3)[0]['frame_id'] == [7, 8, 9]


def test_a_short_video_repeats_its_last_frame_in_copies():
    found, images = clip([0, 1, 2], 1, 5)
    assert found['frame_id'] == [0, 1, 2, 2, 2]
    found['instances'][2][0]['x'].append(1)
    assert found['instances'][3] == [dict(x=[0])] == images[2]['instances']


def test_a_key_frame_is_drawn_where_none_is_given():
    starts = {clip(range(9), None, 2)[0]['frame_id'][0] for _ in range(60)}
    assert len(starts) > 5


def test_no_frames():
    with pytest.raises(ValueError, match='num_frames is at least 1'):
        ConsecutiveFrameSample(0)


def test_in_a_pipeline_all_frames_are_flipped_or_none(tmp_path):
    write_toy_mots(tmp_path)
    pipeline = toy_pipeline(flip_prob=0.5)
    pipeline[0] = dict(type='mmvist.ConsecutiveFrameSample', num_frames=4)
    dataset = toy_dataset(tmp_path, pipeline=pipeline)
    flips = set()
    for seed in range(6):
        data = pseudo_collate([dataset[FrameIndex(0, 3, seed=seed)]])
        assert data['inputs'][0].shape == (4, 3, 64, 96)
        samples = list(data['data_samples'][0])
        assert [one.frame_id for one in samples] == [1, 2, 3, 4]
        assert len({one.flip for one in samples}) == 1
        flips.add(samples[0].flip)
        ids = [set(one.gt_instances.instances_ids.tolist()) for one in samples]
        assert ids == [{1, 2}, {1}, {1, 3}, {1, 2, 3}]
    assert flips == {True, False}
    assert data['inputs'][0].dtype == torch.uint8
