"""What the tracker promises of any detections, tried with random ones.

``make test`` sees 1,000 frames; ``MMVIST_TIMES=100`` before it sees 100,000.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from thorough import examples

from mmvist.models.trackers import IoUHungarianTracker

SHAPE = (120, 160)
LENGTH = 50


@dataclass(frozen=True)
class Scene:
    """Objects that wander about, meet, hide, and are badly detected.

    Attributes:
        seed: Of all that is drawn.
        objects: How many there are; fewer are seen at a time.
        miss: Probability that an object is not detected.
        repeat: That it is detected twice.
        noise: Of a box, in pixels.
    """

    seed: int
    objects: int
    miss: float
    repeat: float
    noise: float

    def detections(self) -> list[InstanceData]:
        """Of each frame."""
        rng = np.random.default_rng(self.seed)
        count = self.objects
        places = rng.uniform(0, 1, (count, 2)) * SHAPE[::-1]
        speeds = rng.normal(0, 3, (count, 2))
        sizes = rng.uniform(4, 40, (count, 2))
        labels = rng.integers(0, 3, count)
        found = []
        for _ in range(LENGTH):
            places = places + speeds
            speeds = np.where(rng.random((count, 1)) < 0.1, -speeds, speeds)
            seen = np.repeat(
                np.arange(count),
                (rng.random(count) >= self.miss)
                * (1 + (rng.random(count) < self.repeat)),
            )
            rng.shuffle(seen)
            corners = places[seen] + rng.normal(0, self.noise + 1e-9, (len(seen), 2))
            boxes = np.concatenate([corners, corners + sizes[seen]], axis=1)
            boxes = boxes.clip(0, [*SHAPE[::-1]] * 2)
            wrong = rng.random(len(seen)) < 0.05
            found.append(
                InstanceData(
                    bboxes=torch.from_numpy(boxes).float(),
                    labels=torch.from_numpy((labels[seen] + wrong) % 3),
                    scores=torch.from_numpy(rng.random(len(seen))).float(),
                )
            )
        return found


def track(tracker: IoUHungarianTracker, found: list[InstanceData]) -> list:
    """What is shown in each frame, and the rows of the state after it."""
    shown = []
    for t, instances in enumerate(found):
        sample = DetDataSample(pred_instances=instances)
        sample.set_metainfo(dict(frame_id=t, ori_shape=SHAPE))
        result = tracker.track(data_sample=sample)
        shown.append((result, len(tracker._tracks)))
    return shown


def assert_sound(tracker: IoUHungarianTracker, found: list, shown: list) -> None:
    born, last_seen, classes, lately = 0, {}, defaultdict(set), []
    for t, (given_, (result, rows)) in enumerate(zip(found, shown, strict=True)):
        ids = result.instances_id.tolist()
        assert len(set(ids)) == len(ids), 'an identity at most once a frame'
        fresh = [one for one in ids if one > born]
        assert fresh == list(range(born + 1, born + 1 + len(fresh))), 'never reused'
        born += len(fresh)
        for one in set(ids) - set(fresh):
            away = t - last_seen[one] - 1
            assert away <= tracker.num_frames_retain, 'forgotten when it should be'
        last_seen.update(dict.fromkeys(ids, t))
        for one, label in zip(ids, result.labels.tolist(), strict=True):
            classes[one].add(label)
        lately = [*lately, len(ids)][-tracker.num_frames_retain - 1 :]
        assert rows <= sum(lately), 'no more rows than were shown lately'
        # each detection at most once, as it was; a strong one is never dropped
        boxes = {tuple(box) for box in given_.bboxes.tolist()}
        assert {tuple(box) for box in result.bboxes.tolist()} <= boxes
        strong = (given_.scores >= tracker.birth_score_thr).sum()
        assert strong <= len(ids) <= len(given_)
        assert (result.scores >= tracker.keep_score_thr).all()
    if tracker.class_aware:
        assert all(len(one) == 1 for one in classes.values()), 'one class for life'


scenes = st.builds(
    Scene,
    seed=st.integers(0, 2**32 - 1),
    objects=st.integers(0, 9),
    miss=st.floats(0, 0.9),
    repeat=st.floats(0, 0.5),
    noise=st.floats(0, 8),
)


@given(
    scene=scenes,
    retain=st.integers(0, 6),
    thr=st.floats(0.05, 0.95),
    recover=st.sampled_from([0.1, 0.5, 1.0]),
    class_aware=st.booleans(),
)
@settings(max_examples=examples(20), deadline=None, derandomize=True)
def test_promises_of_track(scene, retain, thr, recover, class_aware):
    tracker = IoUHungarianTracker(
        match_iou_thr=thr,
        num_frames_retain=retain,
        recover_iou_thr=recover,
        class_aware=class_aware,
    )
    found = scene.detections()
    before = [instances.clone() for instances in found]
    shown = track(tracker, found)
    assert_sound(tracker, found, shown)
    for one, old in zip(found, before, strict=True):
        assert set(one.keys()) == {'bboxes', 'labels', 'scores'}
        assert all(torch.equal(one[key], old[key]) for key in one.keys())  # noqa: SIM118


@given(scene=scenes)
@settings(max_examples=examples(5), deadline=None, derandomize=True)
def test_the_same_video_gives_the_same_tracks(scene):
    tracker = IoUHungarianTracker()
    first, second = (track(tracker, scene.detections()) for _ in range(2))
    for (one, _), (other, _) in zip(first, second, strict=True):
        assert torch.equal(one.instances_id, other.instances_id)


def test_the_random_scenes_are_lively() -> None:
    """Else the tests above would say little."""
    tracker = IoUHungarianTracker(match_iou_thr=0.3)
    back = kept = 0
    for seed in range(4):
        shown = track(tracker, Scene(seed, 6, 0.3, 0.1, 1.0).detections())
        seen: list[set] = [set(one.instances_id.tolist()) for one, _ in shown]
        for t in range(2, LENGTH):
            kept += len(seen[t] & seen[t - 1])
            earlier = set().union(*seen[: t - 1])
            back += len(seen[t] & earlier - seen[t - 1])
    assert kept > 200 and back > 40, (kept, back)
