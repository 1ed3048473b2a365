"""Linking by distance, against all matchings there are."""

import itertools

import pytest
import torch
from torch import Tensor

from mmvist.models.baselines.track_rcnn import AssociationTracker


def best_matching(distances: Tensor, gate: float) -> tuple[int, float]:
    """Most pairs under the gate, and their least sum, by trying every matching."""
    rows, columns = distances.shape
    if rows > columns:
        return best_matching(distances.T, gate)
    best = (0, 0.0)
    for chosen in itertools.permutations(range(columns), rows):
        found = [distances[row, column] for row, column in enumerate(chosen)]
        pairs = [float(one) for one in found if one < gate]
        if (-len(pairs), sum(pairs)) < (-best[0], best[1]):
            best = (len(pairs), sum(pairs))
    return best


@pytest.mark.parametrize('seed', range(12))
def test_two_frames_against_every_matching(seed):
    generator = torch.Generator().manual_seed(seed)
    gates = (0.8, 1.6)
    tracker = AssociationTracker(max_distance=gates)
    first, second = (torch.rand(7, 3, generator=generator) * 1.5 for _ in range(2))
    labels, now = (torch.randint(0, 2, (7,), generator=generator) for _ in range(2))
    ids = tracker.link(first, labels, 0)
    assert ids.tolist() == list(range(1, 8))
    found = tracker.link(second, now, 1)
    assert len(found.unique()) == 7 and found[found > 7].tolist() == list(
        range(8, 8 + int((found > 7).sum()))
    )
    for label, gate in enumerate(gates):
        before, here = labels == label, now == label
        distances = torch.cdist(first, second)
        pairs = [
            float(distances[int(one) - 1, place])
            for place, one in enumerate(found)
            if here[place] and one <= 7
        ]
        old = found[here & (found <= 7)] - 1
        assert before[old].all(), 'identities stay in their class'
        count, total = best_matching(distances[before][:, here], gate)
        assert len(pairs) == count and sum(pairs) == pytest.approx(total, abs=1e-5)


def vectors(*places: float) -> Tensor:
    return torch.tensor(places).view(-1, 1)


def link(tracker: AssociationTracker, frame: int, *places: float, label: int = 0):
    labels = torch.full((len(places),), label)
    return tracker.link(vectors(*places), labels, frame).tolist()


def test_the_last_vector_represents_a_track():
    tracker = AssociationTracker(max_distance=1.0)
    steps = [link(tracker, t, 0.8 * t) for t in range(5)]
    assert steps == [[1]] * 5, 'it drifts far from its first vector'
    assert link(tracker, 5, 0.0) == [2]


def test_the_gate_is_open_to_smaller_distances_alone():
    tracker = AssociationTracker(max_distance=1.0)
    assert link(tracker, 0, 0.0, 10.0) == [1, 2]
    assert link(tracker, 1, 1.0, 10.999) == [3, 2]


@pytest.mark.parametrize('beta', [1, 3])
def test_memory(beta):
    """Found again ``beta`` frames after it was seen, not later."""
    for gap, expected in ((beta, [1]), (beta + 1, [2])):
        tracker = AssociationTracker(num_frames_retain=beta)
        link(tracker, 0, 0.0)
        for frame in range(1, gap):
            link(tracker, frame)
        assert link(tracker, gap, 0.0) == expected


def test_memory_of_each_class():
    tracker = AssociationTracker(num_frames_retain=(1, 3))
    link(tracker, 0, 0.0)
    tracker.link(vectors(5.0), torch.tensor([1]), 1)
    assert tracker.link(vectors(0.0, 5.0), torch.tensor([0, 1]), 3).tolist() == [3, 2]


def test_what_is_kept_is_bounded():
    tracker = AssociationTracker(max_distance=0.1, num_frames_retain=4)
    for frame in range(100):
        link(tracker, frame, 10.0 * frame, 10.0 * frame + 5)
        assert len(tracker) <= 2 * 5
    assert tracker.next_id == 201


def test_scores_and_areas():
    tracker = AssociationTracker(score_thr=(0.5, 0.9), min_area=10)
    scores, labels = torch.tensor([0.5, 0.6, 0.6, 0.95]), torch.tensor([0, 0, 1, 1])
    assert tracker.confident(scores, labels).tolist() == [True, True, False, True]
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks.flatten(1)[0, :10] = masks.flatten(1)[1, :11] = True
    assert tracker.large(masks).tolist() == [False, True]


def test_reset_counts_from_where_it_is_told():
    tracker = AssociationTracker()
    link(tracker, 0, 0.0)
    tracker.reset()
    assert link(tracker, 0, 0.0) == [1]
    tracker.reset(tracker.next_id)
    assert link(tracker, 9, 0.0) == [2] and len(tracker) == 1
