"""What ``VAEVIST`` promises of any video, tried with random ones.

The model is real but for its eyes: detections, classes and masks are random,
drawn from the video and the frame alone, and made so that boxes meet, part,
vanish and come back, masks overlap and repeat each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from thorough import examples
from tiny_vist import frame_of, tiny_model

from mmvist.models import VAEVIST, online
from mmvist.models.augment import Refined
from mmvist.models.segmentation import Segments
from mmvist.structures.crops import Crops
from mmvist.structures.track_state import VideoState

SIZE = (32, 64)
MOST = 6
"""Detections of a frame."""
RETAIN = 3


@dataclass
class Eyes:
    """Random stand-ins for ``detect``, ``refine`` and ``segment``."""

    seed: int = 0
    frame_id: int = 0

    def generator(self, part: int) -> torch.Generator:
        number = (self.seed * 1000 + self.frame_id) * 10 + part
        return torch.Generator().manual_seed(number)

    def detect(self, features, metainfo, *args) -> list[InstanceData]:
        """A few of six wandering boxes."""
        homes = torch.Generator().manual_seed(self.seed)
        boxes = torch.rand(MOST, 4, generator=homes) * torch.tensor([40.0, 16, 20, 14])
        labels = torch.randint(0, 2, (MOST,), generator=homes)
        speed = torch.rand(MOST, 2, generator=homes) * 4 - 2
        boxes[:, :2] += speed * self.frame_id
        boxes[:, 2:] += boxes[:, :2] + 4
        generator = self.generator(0)
        boxes += torch.randn(MOST, 4, generator=generator)
        boxes = boxes.clamp(min=0)
        boxes[:, 0::2] = boxes[:, 0::2].clamp(max=SIZE[1])
        boxes[:, 1::2] = boxes[:, 1::2].clamp(max=SIZE[0])
        shown = torch.rand(MOST, generator=generator) < 0.7
        scores = torch.rand(MOST, generator=generator)
        return [
            InstanceData(
                bboxes=boxes[shown], scores=scores[shown], labels=labels[shown]
            )
        ]

    def refine(self, roi_head, features, rois, img_shape) -> Refined:
        generator = self.generator(1)
        probs = torch.rand(len(rois), 3, generator=generator) ** 2
        probs = probs / probs.sum(dim=1, keepdim=True).clamp(min=1e-3)
        shift = torch.randn(len(rois), 2, 4, generator=generator)
        return Refined(probs[:, :2], rois.float()[:, None] + shift)

    def segment(self, heads, boxes, labels, metainfo) -> Segments:
        """A part of the box: none of it, its left, or all of it with holes."""
        height, width = metainfo['ori_shape']
        generator = self.generator(2)
        masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
        for mask, box in zip(masks, boxes.round().long().tolist()):
            x1, y1, x2, y2 = (max(side, 0) for side in box)
            holes = torch.rand(height, width, generator=generator) < 0.9
            kind = int(torch.randint(0, 5, (), generator=generator))
            if kind:
                right = x2 if kind > 1 else (x1 + x2) // 2
                mask[y1:y2, x1:right] = holes[y1:y2, x1:right]
        probs = torch.rand(masks.shape, generator=generator)
        return Segments(boxes.clone(), Crops.whole(masks), Crops.whole(probs), None)


class Watched:
    """A model whose eyes are random, stepped and predicted with."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.eyes = Eyes()
        self.model: VAEVIST = tiny_model(
            tracker=dict(
                match_iou_thr=0.3,
                keep_score_thr=0.3,
                augment_birth_score_thr=0.3,
                num_frames_retain=RETAIN,
            )
        ).eval()
        self.states: list[VideoState] = []
        step = self.model.step

        def watched_step(frame, state):
            self.eyes.frame_id = frame.frame_id
            found = step(frame, state)
            self.states.append(found[1])
            return found

        self.model.step = watched_step

    def video(self, seed: int, length: int, **meta) -> tuple[torch.Tensor, list]:
        """(1, T, 3, H, W) and the samples of its frames."""
        self.eyes.seed = seed
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(1, length, 3, *SIZE, generator=generator)
        samples = []
        for t in range(length):
            sample = DetDataSample()
            info = dict(frame_id=t, video_id=seed, ori_shape=SIZE, img_shape=SIZE)
            sample.set_metainfo(info | dict(scale_factor=(1.0, 1.0)) | meta)
            samples.append(sample)
        return inputs, samples

    def predict(self, inputs: torch.Tensor, samples: list) -> list[InstanceData]:
        track = TrackDataSample(video_data_samples=samples)
        self.model.predict(inputs, [track])
        return [sample.pred_track_instances for sample in samples]

    def fresh(self, inputs, samples, cuts=()) -> list[InstanceData]:
        """A whole video, handed over in the pieces between ``cuts``."""
        self.model._state = None
        self.states = []
        found = []
        ends = [0, *cuts, len(samples)]
        for start, end in zip(ends, ends[1:]):
            if start < end:
                found += self.predict(inputs[:, start:end], samples[start:end])
        return found


@pytest.fixture(scope='module')
def watched() -> Iterator[Watched]:
    one = Watched()
    with pytest.MonkeyPatch.context() as patch:
        for name in ('refine', 'segment'):
            patch.setattr(online, name, getattr(one.eyes, name))
        patch.setattr(one.model.frame_detector, 'detect', one.eyes.detect)
        yield one


def assert_same(first: list[InstanceData], second: list[InstanceData]) -> None:
    for a, b in zip(first, second, strict=True):
        assert set(a.keys()) == set(b.keys())
        for key in a.keys():  # noqa: SIM118, of InstanceData
            assert torch.equal(a[key], b[key]), key


def assert_frames_are_sound(found: list[InstanceData], length: int) -> None:
    assert len(found) == length
    born, last_seen = 0, {}
    for t, instances in enumerate(found):
        ids = instances.instances_id
        assert len(ids.unique()) == len(ids), 'an identity at most once a frame'
        assert instances.masks.sum(dim=0).max() <= 1 if len(ids) else True, 'overlap'
        assert instances.masks.flatten(1).any(dim=1).all(), 'a mask is not empty'
        assert instances.masks.dtype == torch.bool
        assert ((instances.scores >= 0) & (instances.scores <= 1)).all()
        new = ids > born
        fresh = ids[new].tolist()
        assert fresh == list(range(born + 1, born + 1 + len(fresh))), 'never reused'
        assert (instances.kinds[new] == 2).all(), 'born of a detection'
        born += len(fresh)
        for one in ids[~new].tolist():
            assert t - last_seen[one] <= RETAIN + 1, 'known lately'
        last_seen.update({one: t for one in ids.tolist()})


@given(
    seed=st.integers(0, 10**6),
    length=st.integers(1, 20),
    cuts=st.sets(st.integers(1, 19), max_size=5),
    single=st.booleans(),
)
@settings(max_examples=examples(14), deadline=None, derandomize=True)
def test_the_five_promises(watched, seed, length, cuts, single):
    inputs, samples = watched.video(seed, length)
    whole = watched.fresh(inputs, samples)
    assert_frames_are_sound(whole, length)
    assert_same(watched.fresh(inputs, samples), whole)
    cuts = range(1, length) if single else sorted(cut for cut in cuts if cut < length)
    assert_same(watched.fresh(inputs, samples, cuts), whole)


def test_the_random_videos_are_lively(watched):
    """Else the test above would say little."""
    kinds, found = torch.zeros(3, dtype=torch.long), 0
    back = 0
    for seed in range(3):
        inputs, samples = watched.video(seed, 15)
        seen, gone = set(), set()
        for instances in watched.fresh(inputs, samples):
            kinds += instances.kinds.bincount(minlength=3)
            ids = set(instances.instances_id.tolist())
            back += len(ids & gone)
            gone = (gone | seen) - ids
            seen = ids
            found += len(ids)
    assert found > 60 and kinds.min() >= 10 and back >= 3, (found, kinds, back)


def test_the_state_is_bounded(watched):
    inputs, samples = watched.video(5, 60)
    watched.fresh(inputs, samples)
    images = 3 * SIZE[0] * SIZE[1] + SIZE[0] * SIZE[1]
    most = MOST * (RETAIN + 1)
    sizes = []
    for state in watched.states:
        assert len(state.tracks) <= most
        assert state.tracks.ages.max() <= RETAIN if len(state.tracks) else True
        tensors = [v for v in vars(state).values() if isinstance(v, torch.Tensor)]
        # of the storage: a view would keep the stack of a whole video
        assert sum(one.untyped_storage().nbytes() for one in tensors) == 4 * images
        sizes.append(len(state.tracks))
    assert watched.states[-1].next_id > 20 > max(sizes), 'many lived, few are kept'


def test_a_gap_restarts_without_reusing_identities(watched):
    inputs, samples = watched.video(3, 12)
    for t, sample in enumerate(samples):
        sample.set_metainfo(dict(frame_id=t if t < 6 else t + 2))
    found = watched.fresh(inputs, samples)
    before = torch.cat([one.instances_id for one in found[:6]])
    after = torch.cat([one.instances_id for one in found[6:]])
    assert len(before) and after.min() == before.max() + 1
    first = next(one for one in found[6:] if len(one))
    assert (first.kinds == 2).all(), 'nothing is known'
    assert watched.states[6].steps == 1


def test_another_video_starts_from_1(watched):
    first = watched.video(3, 6)
    alone = watched.fresh(*first)
    inputs, samples = watched.video(4, 6)
    other = watched.fresh(inputs, samples)
    assert other[0].instances_id.min() == 1
    first = watched.video(3, 6)
    assert_same(watched.predict(*first), alone)
    first = watched.video(3, 6)
    assert_same(watched.predict(*first), alone)  # the same video once more


def test_a_frame_of_another_size_is_refused(watched):
    watched.eyes.seed = 1
    _, state = watched.model.step(frame_of(torch.randn(1, 3, *SIZE), 0), None)
    with pytest.raises(ValueError, match=r'\(64, 64\), the frame before \(32, 64\)'):
        watched.model.step(frame_of(torch.randn(1, 3, 64, 64), 1), state)
    watched.model.step(frame_of(torch.randn(1, 3, 64, 64), 0, video_id=2), state)


def test_the_state_before_a_frame_is_left_as_it_was(watched):
    """So that a caller may step twice from one state."""
    inputs, samples = watched.video(8, 6)
    watched.fresh(inputs, samples)
    state = watched.states[3]
    kept = deepcopy(state.tracks)
    frame = frame_of(inputs[:, 4], 4, video_id=8, img_shape=SIZE)
    first, _ = watched.model.step(frame, state)
    second, _ = watched.model.step(frame, state)
    assert_same([first], [second])
    for now, before in ((state.tracks, kept), (state.tracks.motion, kept.motion)):
        columns = [name for name in vars(now) if name != 'motion']
        for name in columns:
            same = torch.equal(
                vars(now)[name].nan_to_num(-1), vars(before)[name].nan_to_num(-1)
            )
            assert same, name


def test_one_video_at_a_time(watched):
    inputs, samples = watched.video(1, 1)
    pair = [TrackDataSample(video_data_samples=samples)] * 2
    with pytest.raises(ValueError, match='one video at a time'):
        watched.model.predict(inputs.repeat(2, 1, 1, 1, 1), pair)
