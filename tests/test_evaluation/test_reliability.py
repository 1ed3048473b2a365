import numpy as np
import pytest

from mmvist.evaluation.reliability import Reliability, correct_predictions


def test_correct_predictions_are_one_to_one():
    similarity = np.array([[0.9, 0.6, 0.0], [0.0, 0.55, 0.49]])
    assert correct_predictions(similarity).tolist() == [True, True, False]
    # two predictions on one truth: the better one
    assert correct_predictions(similarity[:1]).tolist() == [True, False, False]
    assert correct_predictions(similarity, 0.7).tolist() == [True, False, False]
    assert correct_predictions(np.zeros((0, 2))).tolist() == [False, False]
    assert correct_predictions(np.zeros((2, 0))).tolist() == []


def test_bins_and_borders():
    table = Reliability()
    scores = np.array([0.0, 0.05, 0.1, 0.95, 1.0])
    correct = np.array([False, True, True, True, True])
    table.add(np.zeros(5, dtype=int), scores, correct)
    rows = table.rows(0)
    assert [row[:2] for row in rows] == [(0, 2), (1, 1), (9, 2)]
    assert rows[0][2:] == pytest.approx((0.025, 0.5))
    ece = (2 * 0.475 + 0.9 + 2 * 0.025) / 5
    assert table.summary()['matched/ece'] == pytest.approx(ece)
    assert table.summary()['new/count'] == 0


def test_table_starts_at_the_lowest_score():
    table = Reliability()
    table.add(np.array([1, 2]), np.array([0.62, 0.71]), np.array([True, False]))
    lines = table.table().splitlines()
    assert lines[3].split()[:1] == ['0.60-0.70'] and len(lines) == 3 + 4 + 2
    assert lines[3].split()[1:] == '0 - - 1 0.620 1.000 0 - -'.split()


def test_nothing_told():
    table = Reliability()
    table.add(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0, dtype=bool))
    assert table.summary() == {}
