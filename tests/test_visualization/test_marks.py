"""Arrows and plates: on the object, inside the picture, never upon a label."""

import numpy as np
import pytest

from mmvist.visualization import mark_missed, mark_switch
from mmvist.visualization.labels import overlap
from mmvist.visualization.marks import RED, arrow_of

SIZE = (200, 300)


def shape_of(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    shape = np.zeros(SIZE, bool)
    shape[y1:y2, x1:x2] = True
    return shape


@pytest.mark.parametrize(
    ('box', 'direction'),
    [
        ((100, 80, 140, 120), (0, 1)),  # from above
        ((100, 0, 140, 60), (1, 0)),  # no room above: from the left
        ((0, 0, 60, 60), (-1, 0)),  # nor at the left: from the right
        ((0, 0, 300, 60), (0, -1)),  # from below
        ((0, 0, 300, 200), (0, 1)),  # all of the picture: upon it
        ((290, 60, 300, 120), (0, 1)),  # half out of the picture
        ((299, 199, 300, 200), (0, 1)),
    ],
)
def test_arrows_are_whole_and_point_at_the_object(
    box: tuple[int, int, int, int], direction: tuple[int, int]
) -> None:
    tail, tip = arrow_of(shape_of(*box), [])
    step = np.subtract(tip, tail)
    assert tuple(np.sign(step)) == direction
    picture = np.full((*SIZE, 3), 90, np.uint8)
    taken: list = []
    mark_missed(picture, shape_of(*box), taken)
    assert (picture == RED).all(axis=2).sum() > 30
    rows, columns = (picture != 90).any(axis=2).nonzero()
    # with its seam it ends before the edge, so that no part of it is cut off
    assert rows.min() > 0 and rows.max() < SIZE[0] - 1
    assert columns.min() > 0 and columns.max() < SIZE[1] - 1
    # the tip is on the object, or as near as its head allows
    x, y = tip
    nearest = np.clip(x, box[0], box[2] - 1), np.clip(y, box[1], box[3] - 1)
    assert np.abs(np.subtract(tip, nearest)).max() <= 12


def test_an_arrow_steps_aside_from_a_label() -> None:
    shape = shape_of(100, 80, 140, 120)
    label = (90, 60, 150, 78)
    tail, tip = arrow_of(shape, [label])
    assert tail[0] < tip[0] and tail[1] == tip[1], 'from the left'
    taken = [label]
    mark_missed(np.zeros((*SIZE, 3), np.uint8), shape, taken)
    assert len(taken) == 2 and not overlap(taken[0], taken[1])


def test_the_tip_is_on_the_mask_not_only_on_its_box() -> None:
    """An L: the middle of its box's right side is empty."""
    shape = shape_of(100, 20, 110, 120) | shape_of(100, 110, 160, 120)
    for label in ([], [(95, 0, 115, 19)]):
        _, (x, y) = arrow_of(shape, label)
        assert shape[y, x]


def test_a_switch_stands_under_the_object() -> None:
    picture = np.full((*SIZE, 3), 90, np.uint8)
    taken: list = []
    mark_switch(picture, shape_of(100, 80, 140, 120), 3, 15, taken)
    rows, columns = (picture == RED).all(axis=2).nonzero()
    assert rows.min() == 122 and 140 > columns.mean() > 100
    assert taken == [(columns.min(), 122, columns.max() + 1, rows.max() + 1)]
    # at the lower edge it goes inside
    picture[:] = 90
    mark_switch(picture, shape_of(100, 150, 140, 200), 3, 15, [])
    rows, _ = (picture == RED).all(axis=2).nonzero()
    assert rows.max() < 200 and rows.min() > 150
