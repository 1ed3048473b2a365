"""One frame after the other, with what the networks say set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch
from mmengine.structures import InstanceData
from tiny_vist import frame_of, tiny_model
from torch import Tensor

from mmvist.models import online
from mmvist.models.augment import Refined
from mmvist.models.segmentation import Segments
from mmvist.models.trackers import MATCHED, NEW, PROPAGATED
from mmvist.structures.crops import Crops

SIZE = (64, 96)


@dataclass
class Script:
    """What a frame holds: boxes that are detected, and how RoIs are judged."""

    detected: Sequence[Sequence[float]] = ()
    score: float = 0.9
    probs: Sequence[float] = (0.9, 0.05)
    hollow: bool = False  # masks come back empty
    sure: float = 1.0  # probability of the pixels of a mask
    refused: float = 0.0  # RoIs that begin left of here are taken for background
    rois: list[Tensor] = field(default_factory=list)

    def detect(self, *args) -> list[InstanceData]:
        boxes = torch.tensor(self.detected, dtype=torch.float).view(-1, 4)
        scores = torch.full((len(boxes),), self.score)
        labels = torch.zeros(len(boxes), dtype=torch.long)
        return [InstanceData(bboxes=boxes, scores=scores, labels=labels)]

    def refine(self, roi_head, features, rois, img_shape) -> Refined:
        self.rois.append(rois)
        probs = torch.tensor([self.probs]).repeat(len(rois), 1)
        probs[rois[:, 0] < self.refused] = 0.01
        return Refined(probs, rois[:, None].repeat(1, 2, 1))

    def segment(self, heads, boxes, labels, metainfo) -> Segments:
        masks = torch.zeros(len(boxes), *metainfo['ori_shape'], dtype=torch.bool)
        for mask, box in zip(masks, boxes.round().long().tolist()):
            x1, y1, x2, y2 = box
            mask[y1:y2, x1:x2] = not self.hollow
        crops = Crops.whole(masks)
        probs = crops.map(lambda mask: mask.half() * self.sure)
        return Segments(boxes.clone(), crops, probs, None)


def play(monkeypatch, frames: Sequence[Script], **tracker):
    """The instances of each frame; D_pro leaves boxes where they were."""
    torch.manual_seed(0)
    model = tiny_model(tracker=tracker).eval()
    torch.nn.init.zeros_(model.proposal_head.fc_reg.weight)
    state, found = None, []
    for t, script in enumerate(frames):
        for name in ('refine', 'segment'):
            monkeypatch.setattr(online, name, getattr(script, name))
        monkeypatch.setattr(model.frame_detector, 'detect', script.detect)
        frame = frame_of(torch.randn(1, 3, *SIZE), t, img_shape=SIZE)
        instances, state = model.step(frame, state)
        found.append(instances)
    return found, state


BOX, SHIFTED, OTHER = [10, 10, 30, 30], [14, 10, 34, 30], [60, 20, 80, 50]


def test_an_identity_from_birth_through_match_and_propagation(monkeypatch):
    frames = [Script([BOX]), Script([SHIFTED]), Script([])]
    found, state = play(monkeypatch, frames)
    assert [one.instances_id.tolist() for one in found] == [[1], [1], [1]]
    assert [one.kinds.tolist() for one in found] == [[NEW], [MATCHED], [PROPAGATED]]
    assert found[1].bboxes.tolist() == [[10, 10, 34, 30]], 'the union'
    assert state.tracks.motion.sizes.tolist() == [[24, 20]] and state.next_id == 2


def test_a_frame_that_nobody_sees_is_passed_over(monkeypatch):
    torch.manual_seed(0)
    model = tiny_model().eval()
    torch.nn.init.zeros_(model.proposal_head.fc_reg.weight)
    state, found = None, []
    script = Script([BOX])
    for t in range(5):
        for name in ('refine', 'segment'):
            monkeypatch.setattr(online, name, getattr(script, name))
        monkeypatch.setattr(model.frame_detector, 'detect', script.detect)
        frame = frame_of(torch.randn(1, 3, *SIZE), t, img_shape=SIZE)
        before = state
        track = model.pass_over if t == 3 else model.step
        instances, state = track(frame, state)
        found.append(instances)
    assert [one.instances_id.tolist() for one in found] == [[1], [1], [1], [], [1]]
    assert set(found[3].keys()) == set(found[2].keys())
    assert found[3].masks.shape == (0, *SIZE)
    # the first frame of a video, or one behind a gap, leaves nothing behind
    frame = frame_of(torch.randn(1, 3, *SIZE), 7, img_shape=SIZE)
    assert model.pass_over(frame, None)[1] is None
    assert model.pass_over(frame, before)[1] is before


def test_the_label_is_that_of_the_sum_so_far(monkeypatch):
    strong, weak, flip = (0.9, 0.05), (0.45, 0.5), (0.0, 1.0)
    frames = [Script([BOX], probs=p) for p in (strong, weak, flip, flip)]
    found, _ = play(monkeypatch, frames)
    assert [one.labels.tolist() for one in found] == [[0], [0], [1], [1]]
    assert [round(one.scores.item(), 2) for one in found] == [0.9, 0.45, 1, 1]


def test_lost_by_score_and_found_again(monkeypatch):
    low = (0.3, 0.1)
    frames = [
        Script([BOX]),
        Script([BOX], probs=low),
        Script([], probs=low),
        Script([BOX]),
    ]
    found, _ = play(monkeypatch, frames, num_frames_retain=2)
    assert [one.instances_id.tolist() for one in found] == [[1], [], [], [1]]
    found, _ = play(monkeypatch, frames, num_frames_retain=1)
    assert [one.instances_id.tolist() for one in found] == [[1], [], [], [2]]


def test_a_birth_beside_a_refused_identity_goes_on_with_it(monkeypatch):
    """The propagated box stays behind, the object has moved out of it."""
    beside = [32, 10, 52, 30]
    frames = [Script([BOX]), Script([beside], refused=20), Script([beside])]
    found, state = play(monkeypatch, frames)
    assert [one.instances_id.tolist() for one in found] == [[1], [1], [1]]
    assert found[1].kinds.tolist() == [NEW], 'no propagated box led to it'
    assert found[1].bboxes.tolist() == [beside]
    assert len(state.tracks) == 1 and state.next_id == 2
    found, _ = play(monkeypatch, frames, recover_iou_thr=1.0)
    assert [one.instances_id.tolist() for one in found] == [[1], [2], [2, 1]]
    assert found[1].kinds.tolist() == [NEW]


def test_those_in_view_choose_before_the_lost(monkeypatch):
    left, right, between = [2, 10, 22, 30], [20, 10, 40, 30], [10, 10, 30, 30]
    frames = [
        Script([left, right]),
        Script([right], refused=9),
        Script([between]),
    ]
    found, _ = play(monkeypatch, frames, match_iou_thr=0.3)
    assert [one.instances_id.tolist() for one in found[:2]] == [[1, 2], [2]]
    # what is between overlaps the lost one more than the one in view
    assert found[2].instances_id.tolist() == [2, 1]
    assert found[2].kinds.tolist() == [MATCHED, PROPAGATED]


def test_an_empty_mask_is_lost(monkeypatch):
    frames = [Script([BOX]), Script([BOX], hollow=True), Script([BOX])]
    found, _ = play(monkeypatch, frames)
    assert [one.instances_id.tolist() for one in found] == [[1], [], [1]]


@pytest.mark.parametrize(
    'script', [Script([BOX], score=0.45), Script([BOX], probs=(0.45, 0.3))]
)
def test_no_birth_under_either_score(monkeypatch, script):
    found, state = play(monkeypatch, [script])
    assert len(found[0]) == len(state.tracks) == 0 and state.next_id == 1


def test_weak_detections_help_known_instances_alone(monkeypatch):
    """Under the score of a birth, over that of a match."""
    found, _ = play(monkeypatch, [Script([BOX]), Script([SHIFTED, OTHER], score=0.4)])
    assert found[1].kinds.tolist() == [MATCHED]
    found, _ = play(monkeypatch, [Script([BOX]), Script([SHIFTED], score=0.2)])
    assert found[1].kinds.tolist() == [PROPAGATED]


def test_a_duplicate_takes_no_identity(monkeypatch):
    twin = [11, 10, 31, 30]
    found, state = play(monkeypatch, [Script([BOX, twin, OTHER])])
    assert found[0].instances_id.tolist() == [1, 2] and state.next_id == 3
    assert found[0].bboxes[1].tolist() == OTHER


def test_an_unsure_mask_is_not_shown_and_takes_no_pixel(monkeypatch):
    unsure = dict(sure=0.65)
    frames = [Script([BOX], **unsure), Script([BOX]), Script([BOX], **unsure)]
    frames.append(Script([BOX]))
    found, state = play(monkeypatch, frames, mask_score_thr=0.7)
    assert [one.instances_id.tolist() for one in found] == [[], [1], [], [1]]
    assert state.next_id == 2, 'an unsure mask is no birth'
    shown, _ = play(monkeypatch, frames, mask_score_thr=0.6)
    assert [one.instances_id.tolist() for one in shown] == [[1]] * 4


def test_nothing_at_all(monkeypatch):
    found, state = play(monkeypatch, [Script(), Script()])
    assert [len(one) for one in found] == [0, 0]
    assert found[0].masks.shape == (0, *SIZE) and found[0].bboxes.shape == (0, 4)
    assert not state.combined_mask.any() and state.steps == 2


def test_candidates_stay_in_the_image(monkeypatch):
    """A lost track may drift out of it; its RoI may not."""
    edge = Script([[80, 20, 96, 50]])
    frames = [Script([[70, 20, 86, 50]]), edge] + [Script(probs=(0, 0))] * 4
    play(monkeypatch, frames)
    for rois in frames[2].rois:
        assert (rois[:, 2] <= 96).all() and (rois[:, :2] >= 0).all()
