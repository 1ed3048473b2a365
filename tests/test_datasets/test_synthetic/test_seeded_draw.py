"""Distances, noise and draws."""

import numpy as np
import pytest

from mmvist.datasets.synthetic.draw import (
    Draw,
    capsule,
    ellipse,
    noise,
    polygon,
    rounded_box,
    snap,
)

X, Y = np.arange(-10.0, 11)[None, :], np.arange(-10.0, 11)[:, None]


def at(distance: np.ndarray, x: int, y: int) -> float:
    return float(np.broadcast_to(distance, (21, 21))[y + 10, x + 10])


def test_capsule() -> None:
    line = capsule(X, Y, (-4, 0), (4, 0), 2)
    assert [at(line, *p) for p in ((0, 0), (0, 2), (7, 0), (7, 4))] == [-2, 0, 1, 3]


def test_rounded_box() -> None:
    box = rounded_box(X, Y, (0, 0), (5, 3), 2)
    assert [at(box, *p) for p in ((0, 0), (5, 0), (0, 7), (6, 5))] == [-3, 0, 4, 3]


def test_ellipse_is_zero_on_its_rim() -> None:
    shape = ellipse(X, Y, (1, 0), 4, 2)
    assert at(shape, 5, 0) == at(shape, 1, 2) == 0
    assert at(shape, 1, 0) == -2 and at(shape, 10, 0) > 0


@pytest.mark.parametrize('turn', [1, -1])
def test_polygon_either_way_round(turn: int) -> None:
    square = [(-3, -3), (3, -3), (3, 3), (-3, 3)][::turn]
    shape = polygon(X, Y, square)
    assert at(shape, 0, 0) == -3 and at(shape, 3, 0) == 0 and at(shape, 0, 5) == 2
    assert at(polygon(X, Y, square, rounding=1), 0, 5) == 1


def test_noise_is_smooth_and_fills_its_range() -> None:
    field = noise(Draw(0), 64, 96, 16, 3)
    assert field.shape == (64, 96)
    assert field.min() >= 0 and field.max() <= 1 and np.ptp(field) > 0.3
    assert np.abs(np.diff(field, axis=1)).max() < 0.25


def test_draws_keep_their_bounds_and_repeat() -> None:
    draw, again = Draw(1, 2), Draw(1, 2)
    numbers = [draw.integer(2, 4) for _ in range(200)]
    assert set(numbers) == {2, 3, 4}
    assert numbers == [again.integer(2, 4) for _ in range(200)]
    assert all(1 <= draw.uniform(1, 3) < 3 for _ in range(100))
    assert sorted(draw.shuffled('abcd')) == list('abcd')
    assert {draw.sign() for _ in range(50)} == {-1, 1}
    assert [Draw(1, 3).uniform()] != [Draw(1, 2).uniform()]
    # the very stream: numpy keeps that of random() and of SeedSequence
    assert Draw(0).uniform() == 0.6369616873214543


def test_snap() -> None:
    assert snap(0.1) == 26 / 256 and snap(-1.0) == -1
