import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from thorough import examples

from mmvist.models.trackers import MATCHED, NEW, PROPAGATED, IoUHungarianTracker
from mmvist.structures.motion import Motion
from mmvist.structures.track_state import Tracks

SHAPE = (100, 200)


def boxes_at(*corners, side=20.0):
    """Squares by their left top corner."""
    corners = torch.tensor(corners, dtype=torch.float).view(-1, 2)
    return torch.cat([corners, corners + side], dim=1)


def long(*values):
    return torch.tensor(values, dtype=torch.long)


def table(ids, boxes, ages=None, velocities=None, probs=None):
    count = len(ids)
    motion = Motion.start(boxes)
    if velocities is not None:
        motion.velocities = torch.tensor(velocities)
    return Tracks(
        ids=long(*ids),
        boxes=boxes,
        class_probs=torch.ones(count, 2) if probs is None else probs,
        scores=torch.ones(count),
        ages=long(*(ages or [0] * count)),
        motion=motion,
    )


# ------------------------------------------------------------------- matching


@st.composite
def frames(draw):
    """A few small boxes close to each other, so that many pairs overlap."""
    number = st.integers(0, 4)
    box = st.tuples(
        st.integers(0, 12), st.integers(0, 12), st.integers(4, 9), st.integers(4, 9)
    )

    def some():
        rows = draw(st.lists(box, min_size=0, max_size=draw(number)))
        boxes = torch.tensor(rows, dtype=torch.float).view(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        labels = draw(
            st.lists(st.integers(0, 1), min_size=len(rows), max_size=len(rows))
        )
        return boxes, long(*labels)

    return *some(), *some(), draw(st.sampled_from([0.0, 0.2, 0.5])), draw(st.booleans())


def best_by_trying(iou, allowed):
    """The pairs of all one-to-one assignments: most first, then the least cost."""
    rows, columns = iou.shape
    best = (0, 0.0)
    for count in range(1, min(rows, columns) + 1):
        for some in itertools.combinations(range(rows), count):
            for others in itertools.permutations(range(columns), count):
                if all(allowed[i, j] for i, j in zip(some, others)):
                    cost = sum(1 - float(iou[i, j]) for i, j in zip(some, others))
                    best = min(best, (-count, cost))
    return best


@given(frames())
@settings(max_examples=examples(120), deadline=None, derandomize=True)
def test_match_is_the_best_of_all_assignments_under_the_gate(frame):
    pro, pro_labels, det, det_labels, gate, class_aware = frame
    tracker = IoUHungarianTracker(match_iou_thr=gate, class_aware=class_aware)
    rows, columns = tracker.match(pro, pro_labels, det, det_labels)
    assert rows.dtype == columns.dtype == torch.long
    assert len(set(rows.tolist())) == len(rows) == len(set(columns.tolist()))
    iou = bbox_overlaps(pro, det)
    allowed = iou > gate
    if class_aware:
        allowed &= pro_labels[:, None] == det_labels[None]
    assert allowed[rows, columns].all()
    count, cost = best_by_trying(iou, allowed)
    assert len(rows) == -count
    assert float((1 - iou[rows, columns]).sum()) == pytest.approx(cost, abs=1e-5)


def test_a_bad_pair_does_not_take_the_place_of_a_good_one():
    """By cost alone 0-1 and 1-0 would win with 0.3 + 0.49 over 0.8 + nothing."""
    pro = boxes_at((0, 0), (4, 0))
    det = boxes_at((4, 0), (22, 0))
    rows, columns = IoUHungarianTracker(match_iou_thr=0.5).match(
        pro, long(0, 0), det, long(0, 0)
    )
    assert (rows.tolist(), columns.tolist()) == ([1], [0])


def test_equal_to_the_gate_is_not_over_it():
    pro, det = boxes_at((0, 0)), torch.tensor([[0.0, 0, 20, 10]])
    assert len(IoUHungarianTracker(0.5).match(pro, long(0), det, long(0))[0]) == 0
    assert len(IoUHungarianTracker(0.49).match(pro, long(0), det, long(0))[0]) == 1


def test_only_one_class_matches_unless_told_otherwise():
    boxes = boxes_at((0, 0))
    rows, _ = IoUHungarianTracker().match(boxes, long(0), boxes, long(1))
    assert len(rows) == 0
    rows, _ = IoUHungarianTracker(class_aware=False).match(
        boxes, long(0), boxes, long(1)
    )
    assert len(rows) == 1


def test_the_lost_get_what_the_others_leave():
    det = boxes_at((0, 0), (60, 0))
    pro = boxes_at((0, 0), (4, 0), (58, 0))
    args = pro, long(0, 0, 0), det, long(0, 0)
    rows, columns = IoUHungarianTracker().match(*args)
    assert (rows.tolist(), columns.tolist()) == ([0, 2], [0, 1])
    lost = torch.tensor([True, False, True])
    rows, columns = IoUHungarianTracker().match(*args, lost)
    assert (rows.tolist(), columns.tolist()) == ([1, 2], [0, 1])


# ------------------------------------------------------------------- recovery


def recovered(tracker, rows, boxes, pro_boxes, labels=None, pro_labels=None):
    labels = labels or [0] * len(boxes)
    pro_labels = pro_labels or [0] * len(pro_boxes)
    return tracker.recover(
        long(*rows), boxes, long(*labels), pro_boxes, long(*pro_labels)
    ).tolist()


def test_a_birth_goes_on_with_an_identity_that_would_be_lost_near_by():
    # squares of 20 widened to 40: 20 apart they share a third, 40 apart nothing
    tracker = IoUHungarianTracker(recover_iou_thr=0.3)
    old = boxes_at((20, 20))
    assert recovered(tracker, [-1], boxes_at((40, 20)), old) == [0]
    assert recovered(tracker, [-1], boxes_at((42, 20)), old) == [-1]
    assert recovered(tracker, [-1], boxes_at((40, 20)), old, pro_labels=[1]) == [-1]
    narrow = IoUHungarianTracker(recover_iou_thr=0.3, recover_margin=0)
    assert recovered(narrow, [-1], boxes_at((40, 20)), old) == [-1]


def test_only_births_recover_and_only_what_nobody_shows():
    tracker = IoUHungarianTracker()
    old = boxes_at((0, 0), (50, 0), (100, 0))
    boxes = boxes_at((100, 0), (2, 0), (10, 0), (60, 0))
    # row 2 is shown at its place; two births are near row 0, one at row 1
    assert recovered(tracker, [2, -1, -1, -1], boxes, old) == [2, 0, -1, 1]
    assert recovered(tracker, [2, 0, 1, -1], boxes, old) == [2, 0, 1, -1]


def test_one_good_recovery_is_better_than_two_poor_ones():
    """The second birth lies where row 1 is; both could be paired by a shift."""
    old, boxes = boxes_at((-10, 0), (20, 0)), boxes_at((20, 0), (50, 0))
    tracker = IoUHungarianTracker()
    assert recovered(tracker, [-1, -1], boxes, old) == [1, -1]
    assert recovered(tracker, [-1], boxes[1:], old) == [1], 'it would be near enough'


@pytest.mark.parametrize('births,known', [(0, 2), (2, 0), (0, 0)])
def test_recovery_with_nothing_on_a_side(births, known):
    boxes, old = torch.rand(births, 4), torch.rand(known, 4)
    assert recovered(IoUHungarianTracker(), [-1] * births, boxes, old) == [-1] * births


def test_recovery_can_be_switched_off():
    tracker = IoUHungarianTracker(recover_iou_thr=1.0)
    assert recovered(tracker, [-1], boxes_at((0, 0)), boxes_at((0, 0))) == [-1]


# ------------------------------------------------------------------- candidates


@pytest.mark.parametrize('union', [True, False])
def test_associate_gives_unions_propagated_and_new(union):
    pro = boxes_at((0, 0), (60, 0), (100, 50))
    det = boxes_at((150, 0), (102, 47), (3, 2))
    found = IoUHungarianTracker(union=union).associate(
        pro, long(0, 0, 0), det, long(0, 0, 0)
    )
    assert found.kinds.tolist() == [MATCHED, MATCHED, PROPAGATED, NEW]
    assert found.track_rows.tolist() == [0, 2, 1, -1]
    assert found.det_rows.tolist() == [2, 1, -1, 0]
    expected = torch.tensor([[0.0, 0, 23, 22], [100, 47, 122, 70]])
    matched = expected if union else pro[[0, 2]]
    assert torch.equal(found.boxes, torch.cat([matched, pro[1:2], det[:1]]))


@pytest.mark.parametrize('counts', [(0, 0), (2, 0), (0, 2)])
def test_associate_with_nothing_on_a_side(counts):
    boxes = boxes_at((0, 0), (60, 0))
    labels = long(0, 0)
    some = (
        boxes[: counts[0]],
        labels[: counts[0]],
        boxes[: counts[1]],
        labels[: counts[1]],
    )
    found = IoUHungarianTracker().associate(*some)
    assert len(found) == sum(counts)
    assert found.kinds.tolist() == [PROPAGATED] * counts[0] + [NEW] * counts[1]


@given(frames())
@settings(max_examples=examples(60), deadline=None, derandomize=True)
def test_every_box_is_a_candidate_once(frame):
    pro, pro_labels, det, det_labels, gate, _ = frame
    found = IoUHungarianTracker(match_iou_thr=gate).associate(
        pro, pro_labels, det, det_labels
    )
    tracks = found.track_rows[found.track_rows >= 0]
    detections = found.det_rows[found.det_rows >= 0]
    assert sorted(tracks.tolist()) == list(range(len(pro)))
    assert sorted(detections.tolist()) == list(range(len(det)))
    kinds = torch.where(found.det_rows < 0, PROPAGATED, MATCHED)
    assert torch.equal(found.kinds, torch.where(found.track_rows < 0, NEW, kinds))
    inside = found.boxes[found.det_rows >= 0]
    assert (inside[:, :2] <= det[detections][:, :2]).all()
    assert (inside[:, 2:] >= det[detections][:, 2:]).all()


# -------------------------------------------------------------- births and deaths


def test_births_need_both_scores_and_deaths_one():
    tracker = IoUHungarianTracker(
        birth_score_thr=0.5, augment_birth_score_thr=0.6, keep_score_thr=0.4
    )
    pro, det = (
        boxes_at((0, 0), (50, 0)),
        boxes_at((100, 0), (150, 0), (0, 60), (60, 60)),
    )
    found = tracker.associate(pro, long(0, 0), det, long(0, 0, 0, 0))
    scores = torch.tensor([0.4, 0.39, 0.6, 0.59, 0.9, 0.6])
    shown = tracker.survives(found, scores, torch.tensor([0.5, 0.9, 0.49, 1.0]))
    assert shown.tolist() == [True, False, True, False, False, True]


def test_survives_without_detections():
    tracker = IoUHungarianTracker()
    found = tracker.associate(boxes_at((0, 0)), long(0), boxes_at(), long())
    assert tracker.survives(found, torch.tensor([0.4]), torch.zeros(0)).tolist() == [
        True
    ]
    nothing = found[long()]
    assert tracker.survives(nothing, torch.zeros(0), torch.zeros(0)).shape == (0,)


def masks_of(*columns):
    """Masks 1 x 10 that cover ``columns``."""
    masks = torch.zeros(len(columns), 1, 10, dtype=torch.bool)
    for mask, (left, right) in zip(masks, columns):
        mask[0, left:right] = True
    return masks


def test_duplicates_matched_before_propagated_before_new():
    tracker = IoUHungarianTracker(duplicate_iou_thr=0.5)
    same = masks_of((0, 8), (0, 8), (0, 8))
    scores = torch.tensor([0.9, 0.8, 0.1])
    kept = tracker.unique(long(NEW, PROPAGATED, MATCHED), scores, same)
    assert kept.tolist() == [False, False, True]
    kept = tracker.unique(long(NEW, PROPAGATED, NEW), scores, same)
    assert kept.tolist() == [False, True, False]
    kept = tracker.unique(long(NEW, NEW, NEW), scores, same)
    assert kept.tolist() == [True, False, False], 'then by score'


def test_duplicates_are_judged_by_masks_and_only_against_what_is_kept():
    tracker = IoUHungarianTracker(duplicate_iou_thr=0.5)
    # an IoU of exactly the threshold is none above it
    masks = masks_of((0, 6), (2, 8), (4, 10))
    kept = tracker.unique(long(0, 0, 0), torch.tensor([0.9, 0.8, 0.7]), masks)
    assert kept.tolist() == [True, True, True]
    # the second repeats the first and the third, which are two objects
    masks = masks_of((0, 7), (1, 9), (3, 10))
    kept = tracker.unique(long(0, 0, 0), torch.tensor([0.9, 0.8, 0.7]), masks)
    assert kept.tolist() == [True, False, True]


def test_empty_masks_are_no_duplicates():
    tracker = IoUHungarianTracker()
    assert tracker.unique(long(0, 0), torch.ones(2), masks_of((0, 0), (0, 0))).all()
    assert tracker.unique(long(), torch.zeros(0), masks_of()).shape == (0,)


# ------------------------------------------------------------------- life of a track


def step(tracker, tracks, next_id, rows, boxes, probs=None):
    probs = torch.full((len(rows), 2), 0.5) if probs is None else probs
    scores = torch.full((len(rows),), 0.8)
    return tracker.update(tracks, next_id, long(*rows), boxes, probs, scores, SHAPE)


def test_identities_of_known_and_new():
    tracker = IoUHungarianTracker()
    tracks = table([4, 9], boxes_at((0, 0), (50, 50)))
    new, ids, next_id = step(
        tracker, tracks, 12, [1, -1, -1], boxes_at((52, 51), (80, 0), (0, 70))
    )
    assert ids.tolist() == [9, 12, 13] and next_id == 14
    assert new.ids.tolist() == [9, 12, 13, 4]
    assert new.ages.tolist() == [0, 0, 0, 1]
    assert new.motion.known().tolist() == [[2, 1], [0, 0], [0, 0], [0, 0]]
    assert new.class_probs.tolist() == [[1.5, 1.5], [0.5, 0.5], [0.5, 0.5], [1, 1]]


def test_a_lost_track_moves_on_and_is_deleted():
    tracker = IoUHungarianTracker(num_frames_retain=3)
    tracks = table([1], boxes_at((10, 20)), velocities=[[5.0, -2]])
    seen = []
    for _ in range(5):
        tracks, ids, next_id = step(tracker, tracks, 2, [], boxes_at())
        assert len(ids) == 0 and next_id == 2
        seen.append((tracks.ages.tolist(), tracks.boxes[:, :2].tolist()))
    assert seen == [
        ([1], [[15, 18]]),
        ([2], [[20, 16]]),
        ([3], [[25, 14]]),
        ([], []),
        ([], []),
    ]


def test_a_lost_track_that_is_found_goes_on_as_fast_as_before():
    tracker = IoUHungarianTracker(num_frames_retain=3)
    tracks = table([7], boxes_at((10, 20)), velocities=[[5.0, 0]])
    for _ in range(3):
        tracks, _, _ = step(tracker, tracks, 8, [], boxes_at())
    tracks, ids, next_id = step(tracker, tracks, 8, [0], boxes_at((26, 20)))
    assert ids.tolist() == [7] and next_id == 8 and tracks.ages.tolist() == [0]
    # a jump out of hiding says nothing of its speed
    assert tracks.motion.known().tolist() == [[5, 0]]


def test_no_retention_forgets_at_once():
    tracker = IoUHungarianTracker(num_frames_retain=0)
    tracks, _, _ = step(tracker, table([1], boxes_at((0, 0))), 2, [], boxes_at())
    assert len(tracks) == 0


def test_a_lost_box_stays_where_it_could_come_back():
    tracker = IoUHungarianTracker()
    tracks = table(
        [1, 2],
        boxes_at((0, 0), (175, 75)),
        velocities=[[-50.0, -50], [90, 90]],
    )
    tracks, _, _ = step(tracker, tracks, 3, [], boxes_at())
    centres = (tracks.boxes[:, :2] + tracks.boxes[:, 2:]) / 2
    assert centres.tolist() == [[0, 0], [200, 100]]
    assert (tracks.boxes[:, 2:] - tracks.boxes[:, :2] == 20).all()


def test_memory_is_bounded_by_what_was_seen_lately():
    """Five new objects a frame for a hundred frames."""
    tracker, tracks, next_id = (
        IoUHungarianTracker(num_frames_retain=4),
        Tracks.empty(2),
        1,
    )
    sizes = []
    for _ in range(100):
        tracks, _, next_id = step(
            tracker, tracks, next_id, [-1] * 5, torch.rand(5, 4) * 50
        )
        sizes.append(len(tracks))
    assert next_id == 501
    assert sizes[4:] == [25] * 96
    assert len(set(tracks.ids.tolist())) == 25


# ---------------------------------------------------------------- the host's interface


def frame(frame_id, boxes, labels=None, scores=None):
    sample = DetDataSample()
    count = len(boxes)
    sample.pred_instances = InstanceData(
        bboxes=boxes,
        labels=long(*([0] * count if labels is None else labels)),
        scores=torch.tensor([0.9] * count if scores is None else scores),
    )
    sample.set_metainfo(dict(frame_id=frame_id, ori_shape=SHAPE, img_shape=SHAPE))
    return sample


def test_track_follows_boxes_through_a_video_and_a_gap():
    tracker = IoUHungarianTracker(num_frames_retain=2)
    seen = []
    for t in range(6):
        boxes = boxes_at((3 * t, 0), (100 - 3 * t, 50))
        if t in (2, 3):  # the second is away for two frames
            boxes = boxes[:1]
        result = tracker.track(None, None, frame(t, boxes))
        seen.append(result.instances_id.tolist())
    assert seen == [[1, 2], [1, 2], [1], [1], [1, 2], [1, 2]]


def test_track_recovers_who_jumped():
    near, far = boxes_at((22, 0)), boxes_at((70, 0))
    for boxes, expected in ((near, [1]), (far, [2])):
        tracker = IoUHungarianTracker()
        tracker.track(data_sample=frame(0, boxes_at((0, 0))))
        assert (
            tracker.track(data_sample=frame(1, boxes)).instances_id.tolist() == expected
        )


def test_track_lets_those_in_view_choose_first():
    """2 walks over the place where 1 was lost, and is nearer to 1 in the end."""
    tracker = IoUHungarianTracker(match_iou_thr=0.2, recover_iou_thr=1.0)
    tracker.track(data_sample=frame(0, boxes_at((0, 0), (40, 0))))
    seen = [
        tracker.track(data_sample=frame(t, boxes_at((x, 0)))).instances_id.tolist()
        for t, x in enumerate((28, 18, 8), start=1)
    ]
    assert seen == [[2], [2], [2]]


def test_track_starts_anew_with_frame_0():
    tracker = IoUHungarianTracker()
    boxes = boxes_at((0, 0), (50, 0))
    assert tracker.track(data_sample=frame(0, boxes)).instances_id.tolist() == [1, 2]
    assert tracker.track(
        data_sample=frame(1, boxes_at((150, 0)))
    ).instances_id.tolist() == [3]
    assert tracker.track(data_sample=frame(0, boxes)).instances_id.tolist() == [1, 2]


def test_reset_within_a_video_counts_on():
    tracker = IoUHungarianTracker()
    assert tracker.next_id == 1
    tracker.track(data_sample=frame(3, boxes_at((0, 0), (50, 0))))
    tracker.reset(tracker.next_id)
    again = tracker.track(data_sample=frame(9, boxes_at((0, 0))))
    assert again.instances_id.tolist() == [3]


def test_track_keeps_other_fields_and_drops_weak_boxes():
    tracker = IoUHungarianTracker(match_score_thr=0.3, birth_score_thr=0.5)
    sample = frame(0, boxes_at((0, 0), (50, 0), (100, 0)), [0, 3, 1], [0.4, 0.6, 0.2])
    sample.pred_instances.masks = torch.arange(3)
    result = tracker.track(data_sample=sample)
    assert result.masks.tolist() == [1] and result.labels.tolist() == [3]
    # a known one may be weaker than a birth
    result = tracker.track(data_sample=frame(1, boxes_at((50, 0)), [3], [0.45]))
    assert result.instances_id.tolist() == [1]
    # but not weaker than what keeps it
    result = tracker.track(data_sample=frame(2, boxes_at((50, 0)), [3], [0.35]))
    assert len(result) == 0


def test_track_with_no_boxes_and_no_sample():
    tracker = IoUHungarianTracker()
    assert len(tracker.track(data_sample=frame(0, boxes_at()))) == 0
    assert len(tracker.track(data_sample=frame(1, boxes_at((0, 0))))) == 1
    assert len(tracker.track(data_sample=frame(2, boxes_at()))) == 0
    with pytest.raises(ValueError, match='data_sample'):
        tracker.track()


@given(st.integers(0, 10**6))
@settings(max_examples=examples(20), deadline=None, derandomize=True)
def test_track_never_repeats_an_identity_in_a_frame(seed):
    generator = torch.Generator().manual_seed(seed)
    tracker, born = IoUHungarianTracker(num_frames_retain=2), 0
    for t in range(12):
        count = int(torch.randint(0, 6, (), generator=generator))
        boxes = torch.rand(count, 4, generator=generator) * 40
        boxes[:, 2:] += boxes[:, :2]
        labels = torch.randint(0, 3, (count,), generator=generator).tolist()
        scores = torch.rand(count, generator=generator).tolist()
        ids = tracker.track(data_sample=frame(t, boxes, labels, scores)).instances_id
        assert len(ids.unique()) == len(ids)
        fresh = sorted(one for one in ids.tolist() if one > born)
        assert fresh == list(range(born + 1, born + 1 + len(fresh)))
        born += len(fresh)
        assert len(tracker._tracks) <= 6 * 3
