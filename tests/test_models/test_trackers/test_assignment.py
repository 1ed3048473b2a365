"""Assignment behind a gate."""

import torch

from mmvist.models.trackers.assignment import gated_assignment


def test_a_forbidden_pair_takes_no_place():
    """By cost alone row 0 would take column 0, and row 1 would have none."""
    cost = torch.tensor([[0.1, 0.5], [0.2, 0.1]])
    allowed = torch.tensor([[True, True], [True, False]])
    rows, columns = gated_assignment(cost, allowed)
    assert rows.tolist() == [0, 1] and columns.tolist() == [1, 0]


def test_forbidden_pairs_are_left_out():
    cost = torch.tensor([[0.1, 0.2]])
    rows, columns = gated_assignment(cost, torch.zeros(1, 2, dtype=torch.bool))
    assert len(rows) == len(columns) == 0


def test_nothing_to_assign():
    for shape in ((0, 3), (3, 0)):
        rows, columns = gated_assignment(torch.zeros(shape), torch.ones(shape).bool())
        assert rows.dtype == columns.dtype == torch.long
        assert len(rows) == len(columns) == 0


def test_two_poor_pairs_against_a_good_one():
    cost = torch.tensor([[0.9, 2.0], [0.1, 0.9]])
    allowed = torch.tensor([[True, False], [True, True]])
    rows, columns = gated_assignment(cost, allowed)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1]), 'most pairs'
    rows, columns = gated_assignment(cost, allowed, alone=1.0)
    # 0.9 + 0.9 for two pairs, 0.1 + 1.0 for one
    assert (rows.tolist(), columns.tolist()) == ([1], [0])
