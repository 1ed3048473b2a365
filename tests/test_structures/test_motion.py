"""Where an object goes that cannot be seen."""

import pytest
import torch
from torch import Tensor

from mmvist.structures.motion import Motion, move_on


def watch(boxes: list[list[float]]) -> tuple[Motion, Tensor]:
    """The motion after boxes of one object in adjacent frames, and the last box."""
    rows = [torch.tensor([box]) for box in boxes]
    motion, adjacent = Motion.start(rows[0]), torch.tensor([True])
    for before, box in zip(rows, rows[1:], strict=False):
        motion = motion.seen(box, before, adjacent)
    return motion, rows[-1]


def behind(edge: float, speed: float, frames: int) -> list[list[float]]:
    """What is seen of 10 x 30 going right behind something that begins at ``edge``."""
    starts = [edge - 40 + speed * t for t in range(frames)]
    return [[x, 0.0, min(x + 10, edge), 30.0] for x in starts if x < edge - 1]


def test_one_sight_tells_the_size_alone() -> None:
    motion, box = watch([[5.0, 6, 9, 20]])
    assert motion.sizes.tolist() == [[4, 14]]
    assert motion.known().tolist() == [[0, 0]]
    assert motion.whole(box).tolist() == box.tolist()


def test_the_second_sight_tells_the_velocity() -> None:
    motion, _ = watch([[0.0, 0, 10, 10], [3.0, -1, 13, 9]])
    assert motion.velocities.tolist() == [[3, -1]]
    again, _ = watch([[0.0, 0, 10, 10], [3.0, -1, 13, 9], [8.0, -1, 18, 9]])
    assert again.velocities.tolist() == [[4, -0.5]], 'smoothed'


@pytest.mark.parametrize('speed', [1.1, 1.5, 2.5, 6.0])
def test_however_slowly_it_went_its_speed_and_size_are_those_of_before(
    speed: float,
) -> None:
    motion, last = watch(behind(edge=60, speed=speed, frames=40))
    assert float(motion.known()[0, 0]) == pytest.approx(speed, rel=0.1)
    box = motion.whole(last)
    assert float(box[0, 2] - box[0, 0]) == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize('mirrored', [False, True])
def test_what_went_behind_something_comes_out_where_it_would(mirrored: bool) -> None:
    seen = behind(edge=60, speed=4, frames=20)
    if mirrored:
        seen = [[100 - x2, y1, 100 - x1, y2] for x1, y1, x2, y2 in seen]
    motion, last = watch(seen)
    assert last[0, 2] - last[0, 0] < 5, 'a sliver was left'
    speed = -4.0 if mirrored else 4.0
    assert motion.known().tolist() == [[speed, 0]], 'that of the whole object'
    box = motion.whole(last)
    for _ in range(3):
        box = move_on(box, motion.known(), (100, 200))
    true = torch.tensor([[seen[-1][0] + 12, 0.0, seen[-1][0] + 22, 30.0]])
    if mirrored:
        true = torch.tensor([[seen[-1][2] - 22, 0.0, seen[-1][2] - 12, 30.0]])
    assert (box - true).abs().max() < 1.0


def test_the_box_of_a_still_object_stays() -> None:
    motion, last = watch([[0.0, 0, 10, 30], [0.0, 0, 10, 30], [4.0, 0, 10, 30]])
    # its centre moved, but it was not whole
    assert motion.known().tolist() == [[0, 0]]
    assert motion.whole(last).tolist() == last.tolist()
    back = torch.tensor([[0.0, 0, 10, 30]])
    again = motion.seen(back, last, torch.tensor([True]))
    assert again.known().tolist() == [[0, 0]], 'nor when it is uncovered'


def test_a_jump_over_a_gap_is_no_velocity() -> None:
    motion, last = watch([[0.0, 0, 10, 10], [2.0, 0, 12, 10]])
    later = motion.seen(
        torch.tensor([[50.0, 0, 60, 10]]), last, adjacent=torch.tensor([False])
    )
    assert later.velocities.tolist() == [[2, 0]]


def test_a_centre_stays_in_the_image() -> None:
    boxes = torch.tensor([[0.0, 0, 20, 20], [170.0, 70, 190, 90]])
    moved = move_on(boxes, torch.tensor([[-50.0, 5], [90, 90]]), (100, 200))
    assert moved.tolist() == [[-10, 5, 10, 25], [190, 90, 210, 110]]
