"""Masks fit the colours, also where the frame ends."""

import numpy as np
import pytest

from mmvist.datasets.synthetic.actors import Pose, new_actor
from mmvist.datasets.synthetic.draw import Draw
from mmvist.datasets.synthetic.raster import (
    box_of,
    draw_object,
    grid_of,
    paint,
    silhouette,
)


@pytest.mark.parametrize('category', [1, 2])
@pytest.mark.parametrize('phase', [0.3, 2.0, 4.4])
def test_mask_is_where_the_object_covers_half_a_pixel(
    category: int, phase: float
) -> None:
    actor = new_actor(Draw(0), category, 50.0, -1, 2)
    pose = Pose(40.3, 70.6, 1.05, 0.97, phase)
    parts, extent = actor.parts(pose), actor.extent(pose)
    shape = silhouette(parts, extent)
    cover, colour = paint(parts, *grid_of(extent), actor.grain, (pose.x, pose.y))
    np.testing.assert_array_equal(cover >= 0.5, shape.inside)
    x1, _, x2, _ = box_of(shape.inside)
    assert shape.width == x2 - x1
    # the extent holds all of it: nothing at its rim
    assert not shape.inside[0].any() and not shape.inside[-1].any()
    assert not shape.inside[:, [0, -1]].any()
    assert 0 <= colour.min() and colour.max() <= 1


@pytest.mark.parametrize(
    ('x', 'y'), [(30.0, 50.0), (2.0, 50.0), (58.0, 20.0), (-99, 9)]
)
def test_frame_changes_only_where_the_object_is(x: float, y: float) -> None:
    actor = new_actor(Draw(1), 1, 40.0, 1, 0)
    pose = Pose(x, y, 1.0, 1.0, 0.0)
    parts, extent = actor.parts(pose), actor.extent(pose)
    frame = np.full((64, 60, 3), 0.5)
    draw_object(frame, parts, extent, actor.grain, (x, y))
    changed = (frame != 0.5).any(axis=-1)
    window, inside = silhouette(parts, extent).crop(64, 60)
    mask = np.zeros((64, 60), dtype=bool)
    mask[window] = inside
    assert (changed | ~mask).all()
    grown = mask.copy()
    for shift in (1, -1):
        for axis in (0, 1):
            grown |= np.roll(mask, shift, axis) | np.roll(grown, shift, axis)
    assert (grown | ~changed).all()
    assert mask.any() == (x > 0)


def test_box_of_a_shifted_mask() -> None:
    mask = np.zeros((5, 6), dtype=bool)
    mask[1:3, 2] = True
    assert box_of(mask) == (2, 1, 3, 3)
    assert box_of(mask, left=10, top=20) == (12, 21, 13, 23)
