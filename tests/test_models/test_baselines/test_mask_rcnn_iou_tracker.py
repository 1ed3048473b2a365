"""Mask R-CNN with the IoU tracker: offline, frames wait for the end of their video."""

import copy
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_vist import CONFIGS, test_data, tiny_config, toy_video

from mmvist.engine.dump import DumpTracks, read_tracks
from mmvist.engine.hooks import ShowDirHook
from mmvist.evaluation.rle import encode_masks
from mmvist.registry import MODELS
from mmvist.structures.exclusive import unpack_masks
from mmvist.structures.hosts import flat_samples

CONFIG = CONFIGS / 'baselines/mask-rcnn-iou-tracker_r18-half_fpn_synthetic.py'
SIZE = (60, 90)
LENGTH = 5


def tiny(**tracker):
    """Narrow; it detects six instances a frame, none of which ends a track."""
    config = Config.fromfile(CONFIG).model
    config.detector = tiny_config().detector
    config.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=6)
    settings = dict(sigma_l=0.0, sigma_h=0.0, sigma_iou=0.3, t_min=1)
    config.tracker.update({**settings, **tracker})
    torch.manual_seed(0)
    return MODELS.build(config).eval()


def frames_of(model, frames, **meta):
    """What a step gives; ``LENGTH`` frames are a video."""
    meta = dict(ori_video_length=LENGTH) | meta
    out = model.test_step(test_data(toy_video(), list(frames), **meta))
    assert len(out) == 1, 'a test loop looks at the last sample'
    return flat_samples(out[0])


def assert_same(one, other):
    assert one.img_id == other.img_id
    one, other = one.pred_track_instances, other.pred_track_instances
    assert torch.equal(one.instances_id, other.instances_id)
    assert torch.equal(one.bboxes, other.bboxes)
    masks = [
        x if isinstance(x, list) else encode_masks(x) for x in (one.masks, other.masks)
    ]
    assert encode_masks(masks[0]) == encode_masks(masks[1])


def test_nothing_comes_before_the_end_and_then_everything():
    model = tiny()
    steps = [frames_of(model, [t]) for t in range(LENGTH)]
    assert [len(one) for one in steps] == [0, 0, 0, 0, LENGTH]
    whole = frames_of(tiny(), range(LENGTH))
    for piece, one in zip(steps[-1], whole, strict=True):
        assert len(one.pred_track_instances)
        assert_same(piece, one)
    assert len(model._held) == 0


def test_without_tests_of_tracks_both_settings_are_one():
    model = tiny(offline=False)
    online = [one for t in range(LENGTH) for one in frames_of(model, [t])]
    for a, b in zip(online, frames_of(tiny(), range(LENGTH)), strict=True):
        assert_same(a, b)


@pytest.mark.parametrize('changes', [dict(t_min=3), dict(sigma_h='median')])
def test_offline_drops_whole_tracks_online_their_beginnings(changes):
    plain = [one.pred_track_instances for one in frames_of(tiny(), range(LENGTH))]
    scores = torch.cat([one.scores for one in plain])
    if 'sigma_h' in changes:
        changes = dict(sigma_h=float(scores.median()))
    ids = torch.cat([one.instances_id for one in plain])
    length = {i: int((ids == i).sum()) for i in ids.tolist()}
    best = {i: float(scores[ids == i].max()) for i in ids.tolist()}
    counts = {
        i
        for i in length
        if length[i] >= changes.get('t_min', 1) and best[i] >= changes.get('sigma_h', 0)
    }
    assert counts and counts != set(length)
    offline = frames_of(tiny(**changes), range(LENGTH))
    online = frames_of(tiny(**changes, offline=False), range(LENGTH))
    shown = [[], []]
    for found, frames in zip(shown, (offline, online)):
        for one in frames:
            found.append(set(one.pred_track_instances.instances_id.tolist()))
    assert set().union(*shown[0]) == counts
    assert all(later <= known for later, known in zip(shown[1], shown[0]))
    assert shown[0] != shown[1]


def test_masks_are_disjoint_after_the_tracks_were_chosen():
    """A pixel that a dropped track had covered goes to one that counts."""
    found = frames_of(tiny(iou_type='bbox'), range(LENGTH))
    fewer = frames_of(tiny(iou_type='bbox', t_min=3), range(LENGTH))
    grown = 0
    for all_of_it, one in zip(found, fewer, strict=True):
        before, after = all_of_it.pred_track_instances, one.pred_track_instances
        masks = unpack_masks(after.masks, SIZE)
        assert masks.sum(0).max() <= 1 and masks.flatten(1).any(1).all()
        assert len(after.instances_id.unique()) == len(after)
        old = dict(zip(before.instances_id.tolist(), unpack_masks(before.masks, SIZE)))
        for identity, mask in zip(after.instances_id.tolist(), masks):
            if identity in old:
                assert (mask | ~old[identity]).all(), 'nothing is taken away'
                grown += int(mask.sum() > old[identity].sum())
    assert grown


def test_a_video_that_breaks_off_comes_with_the_next():
    model = tiny()
    assert not frames_of(model, [0, 1])
    found = frames_of(model, [0], video_id=7)
    assert [(one.video_id, one.frame_id) for one in found] == [(1, 0), (1, 1)]
    rest = frames_of(model, range(1, LENGTH), video_id=7)
    assert [(one.video_id, one.frame_id) for one in rest] == [
        (7, t) for t in range(LENGTH)
    ]
    assert rest[0].pred_track_instances.instances_id.min() == 1


def test_a_gap_ends_tracks_and_gives_no_identity_twice():
    model = tiny()
    assert not frames_of(model, [0, 1], ori_video_length=4)
    found = frames_of(model, [4, 5], ori_video_length=4)
    ids = [one.pred_track_instances.instances_id.tolist() for one in found]
    assert len(found) == 4 and set(ids[2]) - set(ids[1])
    assert not set(ids[0] + ids[1]) & set(ids[2] + ids[3])


def test_who_does_not_say_how_long_a_video_is_is_told():
    data = test_data(toy_video(), [0])
    data['data_samples'][0][0].pop('ori_video_length')
    with pytest.raises(ValueError, match='offline=False'):
        tiny().test_step(data)


def test_held_frames_are_small():
    model = tiny()
    frames_of(model, range(4))
    [first, *_] = model._held._samples
    assert set(first.keys()) == {'pred_track_instances'}, 'no masks of detections'
    assert isinstance(first.pred_track_instances.masks, list)


def test_what_is_behind_a_test_takes_empty_samples_and_packed_masks(tmp_path: Path):
    """As the test loop feeds them: dicts of each step, and samples to hooks."""
    model = tiny()
    dump = DumpTracks(str(tmp_path / 'tracks.pkl'))
    hook = ShowDirHook(str(tmp_path / 'shown'), score_thr=0.0)
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=('a', 'b'))))
    hook.before_test(SimpleNamespace(test_dataloader=loader))
    for t in range(LENGTH):
        path = tmp_path / f'{t}.png'
        cv2.imwrite(str(path), np.zeros((*SIZE, 3), np.uint8))
        meta = dict(img_path=str(path), ori_video_length=LENGTH)
        data = test_data(toy_video(), [t], **meta)
        out = model.test_step(data)
        hook.after_test_iter(None, t, data, out)
        dump.process(None, [copy.copy(one).to_dict() for one in out])
    dump.evaluate(LENGTH)
    records = read_tracks(tmp_path / 'tracks.pkl')
    assert [one['img_id'] for one in records] == list(range(LENGTH))
    painted = [cv2.imread(str(tmp_path / f'shown/0001/{t}.png')) for t in range(LENGTH)]
    assert all(picture.any() for picture in painted)
    whole = frames_of(tiny(), range(LENGTH))
    for record, one in zip(records, whole, strict=True):
        masks = encode_masks(record['masks'])
        assert masks == encode_masks(one.pred_track_instances.masks)
        assert np.array_equal(
            record['instances_id'], one.pred_track_instances.instances_id.numpy()
        )
