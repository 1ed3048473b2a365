"""Which frames MaskTrack R-CNN trains on."""

from collections import Counter

import pytest
import torch

from mmvist.datasets import FrameIndex, RefFrameSample
from mmvist.testing import toy_dataset, toy_pipeline, write_toy_mots


def video(shown, key=None):
    """Frames by the number of their objects; an ignored one is None."""
    images = [
        dict(
            frame_id=t,
            instances=[dict(ignore_flag=True)]
            if count is None
            else [dict(ignore_flag=False)] * count,
        )
        for t, count in enumerate(shown)
    ]
    infos = dict(video_id=7, video_length=len(images), images=images)
    return infos if key is None else {**infos, 'key_frame_id': key}


def drawn(shown, key, **kwargs):
    found = [RefFrameSample(**kwargs)(video(shown, key)) for _ in range(200)]
    assert all(one['frame_id'][0] == key for one in found)
    assert all(one['key_frame_flags'] == [True, False] for one in found)
    return Counter(one['frame_id'][1] for one in found)


def test_every_other_frame_that_shows_something_is_as_likely():
    found = drawn([1, 2, 0, None, 1, 3], key=1)
    assert set(found) == {0, 4, 5}
    assert min(found.values()) > 40


def test_a_range_around_the_key_frame():
    assert set(drawn([1] * 9, key=4, frame_range=2)) == {2, 3, 5, 6}


def test_without_another_frame_it_is_its_own_reference():
    assert set(drawn([0, 1, 0], key=1)) == {1}
    assert set(drawn([2], key=0)) == {0}


def test_the_key_frame_is_drawn_where_none_is_asked_for():
    found = {RefFrameSample()(video([1] * 4))['frame_id'][0] for _ in range(100)}
    assert found == {0, 1, 2, 3}


def test_a_range_of_nothing():
    with pytest.raises(ValueError, match='at least 1'):
        RefFrameSample(frame_range=0)


def test_samples_by_data_set_and_host(tmp_path):
    """Seeded, and the host finds key and reference with the same flip."""
    write_toy_mots(tmp_path)
    pipeline = toy_pipeline(flip_prob=0.5)
    pipeline[0] = dict(type='mmvist.RefFrameSample')
    pipeline[2] = dict(type='mmdet.PackTrackInputs')
    dataset = toy_dataset(tmp_path, pipeline=pipeline)
    refs, flips = set(), set()
    for seed in range(12):
        one = dataset[FrameIndex(0, 2, seed=seed)]
        again = dataset[FrameIndex(0, 2, seed=seed)]
        assert torch.equal(one['inputs'], again['inputs'])
        sample = one['data_samples']
        assert one['inputs'].shape == (2, 3, 64, 96)
        [key], [ref] = sample.get_key_frames(), sample.get_ref_frames()
        assert key.frame_id == 2 and key.flip == ref.flip
        assert len(key.gt_instances.instances_ids)
        refs.add(ref.frame_id)
        flips.add(key.flip)
    assert len(refs) > 2 and 2 not in refs and flips == {True, False}
