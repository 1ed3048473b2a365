import pytest
import torch
from mmengine.structures import InstanceData
from tiny_vist import boxes_of, toy_video, train_data

from mmvist.models import IoUHungarianTracker
from mmvist.models.ghosts import _shifted
from mmvist.models.training import KnownSample, TrainingSamples
from mmvist.structures.clip import Clip
from mmvist.structures.hosts import clip_from_mmdet

EXACT = dict(drop_prob=0, mask_shift=0, mask_scale=0, mask_rotate=0, box_jitter=0)


def samples(**options) -> TrainingSamples:
    return TrainingSamples(IoUHungarianTracker(), 2, **{**EXACT, **options})


def clip_of(frames=(1, 3), first=(), ages=None) -> Clip:
    data = train_data(toy_video(), frames, first)
    for sample in data['data_samples']:
        sample[0].set_metainfo(dict(instance_ages=ages or {}))
    return clip_from_mmdet(torch.stack(data['inputs']).float(), data['data_samples'])


# ------------------------------------------------------------------ the known past


def test_without_damage_the_past_is_the_truth():
    known = samples(num_jitters=3).known(clip_of())[1]
    video = toy_video()
    box, disc = video.masks[2]
    assert torch.equal(known.combined_mask[0], 0.5 * box + 1.0 * disc)
    assert known.ids.tolist() == [1, 2] and known.labels.tolist() == [0, 1]
    torch.testing.assert_close(known.boxes, boxes_of(video.masks[2]).repeat(3, 1))
    torch.testing.assert_close(known.targets, boxes_of(video.masks[3]).repeat(3, 1))
    assert known.visible.all() and len(known.visible) == 6


def test_damage_is_applied():
    exact = samples().known(clip_of())[0]
    damaged = samples(box_jitter=0.1, mask_shift=0.2, num_jitters=2).known(clip_of())[0]
    assert not torch.equal(exact.combined_mask, damaged.combined_mask)
    sides = (exact.boxes[:2, 2:] - exact.boxes[:2, :2]).repeat(2, 1)
    moved = (damaged.boxes - exact.boxes[:2].repeat(2, 1)).view(4, 2, 2)
    assert moved.any() and (moved.abs() <= 0.16 * sides[:, None]).all()
    assert not torch.equal(damaged.boxes[:2], damaged.boxes[2:]), 'each jitter its own'


@pytest.mark.parametrize(
    'weights, value', [('binary', 1.0), ('class', 0.5), ('score', 1.0)]
)
def test_lambda_has_the_weights_of_the_model(weights, value):
    known = samples(mask_weights=weights).known(clip_of())[0]
    assert known.combined_mask[0][toy_video().masks[0, 0]].unique().tolist() == [value]


def test_dropped_instances_are_unknown_everywhere():
    none = samples(drop_prob=1).known(clip_of())[0]
    assert len(none.ids) == len(none.boxes) == 0 and not none.combined_mask.any()
    some, seen = samples(drop_prob=0.5, num_jitters=1), []
    for _ in range(100):
        known = some.known(clip_of((1,)))[0]
        seen.append(tuple(known.ids.tolist()))
        painted = {
            round(value) for value in (2 * known.combined_mask).unique().tolist()
        }
        assert painted - {0} == set(known.ids.tolist()), 'class 0 is painted 1/2'
        assert len(known.boxes) == len(known.visible) == len(known.ids)
    assert set(seen) == {(), (1,), (2,), (1, 2)}
    assert 70 <= sum(map(len, seen)) <= 130


def test_a_ghost_is_known_like_an_instance_and_there_no_more():
    video, seen = toy_video(), []
    for _ in range(30):
        known = samples(ghost_prob=1, num_jitters=2).known(clip_of((1,)))[0]
        assert known.ids.tolist() == [1, 2, -1, -2]
        assert known.labels.tolist() == [0, 1, 0, 1]
        assert known.visible.tolist() == [True, True, False, False] * 2
        assert not known.targets[2:4].any() and known.targets[:2].all(dim=1).any()
        painted = known.combined_mask[0] > 0
        moved = known.boxes[2:4].round().long()
        for x1, y1, x2, y2 in moved.tolist():
            assert painted[y1:y2, x1:x2].any() or x1 == x2 or y1 == y2
        assert painted.sum() <= 2 * video.masks[0].sum()
        seen.append(moved[0].tolist())
    assert len({tuple(box) for box in seen}) > 20, 'anywhere'


def test_without_ghosts_nothing_is_drawn_for_them():
    torch.manual_seed(0)
    samples().known(clip_of())
    state = torch.get_rng_state()
    torch.manual_seed(0)
    samples(ghost_prob=0.0).known(clip_of())
    assert torch.equal(torch.get_rng_state(), state)
    lost = samples(ghost_prob=1).known(clip_of((1,), ages={1: 2, 2: 4}))[0]
    assert lost.ids.tolist() == [1, 2], 'who was not seen has no ghost'


def test_the_mask_of_a_ghost_moves_with_its_box_and_is_cut_at_the_border():
    mask = torch.zeros(6, 9, dtype=torch.uint8)
    mask[1:3, 2:5] = 1
    for dx, dy in [(0, 0), (3, 2), (-3, -2), (4, -1), (-9, 0), (20, 20)]:
        moved = _shifted(mask, dx, dy)
        expected = torch.zeros_like(mask)
        for y, x in mask.nonzero().tolist():
            if 0 <= y + dy < 6 and 0 <= x + dx < 9:
                expected[y + dy, x + dx] = 1
        assert torch.equal(moved, expected)


def test_lost_instances_have_a_box_but_no_place_in_lambda():
    known = samples(num_jitters=1).known(clip_of(ages={1: 0, 2: 4}))[0]
    assert known.ids.tolist() == [1, 2] and len(known.boxes) == 2
    assert known.combined_mask.unique().tolist() == [0, 0.5]


@pytest.mark.parametrize('age, inside', [(0, True), (3, False)])
def test_only_boxes_of_shown_instances_are_clipped(age, inside):
    """As in testing, where a lost box may drift over the border."""
    clip = clip_of((1,), ages={1: age, 2: age})
    clip.known[0].boxes[0] = torch.tensor([0.0, 0, 90, 60])
    boxes = samples(box_jitter=0.2, num_jitters=40).known(clip)[0].boxes[::2]
    limits = torch.tensor([90.0, 60])
    assert bool((boxes[:, :2] >= 0).all()) == inside
    assert bool((boxes[:, 2:] <= limits).all()) == inside


def test_a_first_frame_knows_nothing():
    known = samples().known(clip_of(first=(3,)))[1]
    assert len(known.ids) == 0 and known.boxes.shape == (0, 4)
    assert known.combined_mask.shape == (1, 60, 90) and not known.combined_mask.any()


@pytest.mark.parametrize('left', [0, 1], ids=['empty', 'one left'])
def test_a_vanished_instance_has_no_target(left):
    clip = clip_of((1,))
    sample = clip.data_samples[0]
    sample.gt_instances = sample.gt_instances[torch.tensor([False, bool(left)])]
    known = samples(num_jitters=1).known(clip)[0]
    assert known.ids.tolist() == [1, 2]
    assert known.visible.tolist() == [False, bool(left)]
    assert not known.targets[0].any()


# ------------------------------------------------------------------ candidates

FAR = torch.tensor([[60.0, 2, 80, 12]])
TRUTH = boxes_of(toy_video().masks[1])


def known_of(*ids) -> KnownSample:
    ids = torch.tensor(ids, dtype=torch.long)
    none = torch.zeros(0)
    lost = torch.zeros_like(ids, dtype=torch.bool)
    return KnownSample(none, (ids - 1).clamp(0, 1), ids, lost, none, none, none)


def boxes_and_scores(boxes=None, scores=None, labels=None) -> InstanceData:
    boxes = torch.zeros(0, 4) if boxes is None else boxes
    scores = [0.5] * len(boxes) if scores is None else scores
    labels = [0] * len(boxes) if labels is None else labels
    return InstanceData(
        bboxes=boxes,
        scores=torch.tensor(scores, dtype=torch.float),
        labels=torch.tensor(labels, dtype=torch.long),
    )


def candidates(propagated, known, detections=None, proposals=None, **options):
    return samples(**{'start_iters': 0, **options}).candidates(
        propagated,
        known,
        detections or boxes_and_scores(),
        proposals or boxes_and_scores(),
        toy_video().sample(1),
    )


def test_candidates_are_those_of_the_matching():
    """A union, a weak detection as it is, a new detection."""
    shifted = TRUTH[:1] + torch.tensor([2.0, 0, 2, 0])
    found = candidates(
        TRUTH[:1],
        known_of(1),
        boxes_and_scores(
            torch.cat([shifted, TRUTH[1:], FAR]), (0.9, 0.1, 0.8), (0, 1, 0)
        ),
    )
    union = TRUTH[:1] + torch.tensor([0.0, 0, 2, 0])
    assert torch.equal(found, torch.cat([union, FAR, TRUTH[1:]]))


def test_the_lost_choose_after_the_others_as_in_testing():
    known = known_of(5, 1)
    known.labels[:] = 0
    moved = TRUTH[:1] + torch.tensor([2.0, 0, 2, 0])
    args = (
        torch.cat([TRUTH[:1], moved]),
        known,
        boxes_and_scores(TRUTH[:1], [0.9]),
    )
    # the lost box lies on another identity and is left out where it has no match
    known.lost[:] = torch.tensor([True, False])
    union = TRUTH[:1] + torch.tensor([0.0, 0, 2, 0])
    assert torch.equal(candidates(*args), union)
    known.lost[:] = False
    assert torch.equal(candidates(*args), torch.cat([TRUTH[:1], moved]))


def test_who_is_lost_comes_from_the_ages():
    clip = clip_of((1,))
    clip.known[0].ages[:] = torch.tensor([0, 3])
    assert samples(num_jitters=1).known(clip)[0].lost.tolist() == [False, True]


def test_vanished_objects_stay_as_negatives():
    found = candidates(FAR, known_of(7))
    assert torch.equal(found, FAR)


def test_a_propagated_box_on_another_identity_is_left_out():
    stray = torch.cat([TRUTH[1:], FAR])
    assert torch.equal(candidates(stray, known_of(1, 1)), FAR)
    assert torch.equal(candidates(TRUTH, known_of(1, 2)), TRUTH), 'its own is kept'


def test_at_the_start_proposals_and_truth_help():
    proposals = boxes_and_scores(FAR.repeat(5, 1) + torch.arange(5)[:, None])
    options = dict(proposals=proposals, start_iters=2, num_start_boxes=3)
    found = candidates(TRUTH[:0], known_of(), **options)
    assert torch.equal(found, torch.cat([proposals.bboxes[:3], TRUTH]))
    later = samples(start_iters=2)
    later.advance()
    later.advance()
    found = later.candidates(
        TRUTH[:1], known_of(1), boxes_and_scores(), proposals, toy_video().sample(1)
    )
    assert torch.equal(found, TRUTH[:1])
    assert later.state_dict()['iters'] == 2, 'a resumed run goes on'


def test_there_is_always_a_candidate():
    found = candidates(TRUTH[:0], known_of())
    assert found.tolist() == [[0, 0, 90, 60]]
