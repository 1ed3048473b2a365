"""Where everything is in each frame, before a pixel is drawn."""

import math
from dataclasses import dataclass

from mmvist.datasets.synthetic.actors import Actor, Pose, new_actor
from mmvist.datasets.synthetic.draw import Draw, snap

# a move longer than this share of the own extent in one frame is never made
MAX_SHIFT = 0.58


@dataclass
class Track:
    """One actor through a clip.

    Attributes:
        actor: Its looks.
        poses: One a frame, in image pixels.
        depth: Actors with a larger one stand in front.
    """

    actor: Actor
    poses: list[Pose]
    depth: float


def ease(u: float) -> float:
    """Smoothly from 0 at 0 to 1 at 1; the steepest slope is 1.5."""
    u = min(max(u, 0.0), 1.0)
    return u * u * (3 - 2 * u)


def camera_path(draw: Draw, frames: int) -> list[float]:
    """Camera position in street pixels, 0 at the start."""
    drift = draw.uniform(-0.9, 0.9)
    sway, period = draw.uniform(0, 2.5), draw.uniform(14, 30)
    start = draw.uniform(0, 6.28)
    path = [
        drift * t + sway * math.sin(start + 6.2831853 * t / period)
        for t in range(frames)
    ]
    return [snap(x - path[0]) for x in path]


def draw_cast(draw: Draw, height: int, width: int) -> list[tuple[int, float, float, int]]:
    """Class, size, standing height and colour family of 3 to 5 actors."""
    count = draw.integer(3, 5)
    cars = draw.integer(1, count - 1)
    classes = draw.shuffled([1] * cars + [2] * (count - cars))
    scale = min(height / 128, width / 192)
    families = {1: draw.integer(0, 5), 2: draw.integer(0, 5)}
    low, high = 0.60 * height, 0.96 * height
    cast = []
    for i, category in enumerate(classes):
        lane = low + (high - low) * (i + draw.uniform(0.2, 0.8)) / count
        near = 0.86 + 0.28 * (lane - low) / (high - low)
        size = draw.uniform(40, 52) if category == 1 else draw.uniform(44, 55)
        # now and then an actor that does not look like its kind
        family = families[category] + (draw.chance(0.15) and draw.integer(1, 5))
        cast.append((category, size * near * scale, lane, family))
    return cast


def draw_track(
    draw: Draw,
    part: tuple[int, float, float, int],
    camera: list[float],
    width: int,
    burst_rate: float,
) -> Track | None:
    """Draw the way of one actor; None if it breaks a rule (then draw again)."""
    category, size, ground, family = part
    frames = len(camera)
    wide = size * (1.0 if category == 1 else 0.42)
    moves = _bursts(draw, frames, wide, burst_rate)
    drift = draw.sign() * draw.uniform(0.1, 1.3)
    sway, sway_period = draw.uniform(0, 2.0), draw.uniform(9, 18)
    sway_start = draw.uniform(0, 6.28)
    path = [
        drift * t
        + sway * math.sin(sway_start + 6.2831853 * t / sway_period)
        + sum(step * ease((t - start) / span) for start, span, step in moves)
        for t in range(frames)
    ]
    # the street, not the frame, is what actors stand still on, but only in part:
    # a full pan would add to the bursts
    path = [x - 0.6 * c for x, c in zip(path, camera, strict=True)]
    start = _placement(draw, path, wide, width)
    if start is None:
        return None

    facing = 1 if path[-1] >= path[0] else -1
    actor = new_actor(draw, category, size, facing, family)
    breathe, breath = draw.uniform(0.02, 0.09), draw.uniform(8, 16)
    squash, beat = draw.uniform(0.0, 0.07), draw.uniform(5, 10)
    begin, phase = draw.uniform(0, 6.28), draw.uniform(0, 6.28)
    sink = draw.uniform(-0.12, 0.12)
    poses: list[Pose] = []
    for t, x in enumerate(path):
        speed = abs(x - path[max(t - 1, 0)])
        phase += 0.42 + (0.035 if category == 2 else 0.12) * speed
        grow = 1 + breathe * math.sin(begin + 6.2831853 * t / breath)
        flat = squash * math.sin(begin + 6.2831853 * t / beat)
        bob = (1.4 if category == 2 else 0.6) * abs(math.sin(phase))
        poses.append(
            Pose(
                x=snap(start + x),
                y=snap(ground + sink * t - bob),
                width=snap(grow * (1 + flat)),
                height=snap(grow * (1 - flat)),
                phase=phase,
            )
        )
    for before, after in zip(poses, poses[1:], strict=False):
        if abs(after.x - before.x) > MAX_SHIFT * wide * after.width:
            return None
    return Track(actor, poses, ground)


def _bursts(
    draw: Draw, frames: int, wide: float, rate: float
) -> list[tuple[float, float, float]]:
    """Quick moves as (first frame, frames it takes, pixels)."""
    moves: list[tuple[float, float, float]] = []
    free = 1.0
    while free < frames - 6:
        if not draw.chance(rate):
            free += 6
            continue
        span = draw.uniform(4.5, 6.5)
        start = free + draw.uniform(0, 3)
        peak = draw.uniform(0.42, 0.54)
        turn = draw.sign()
        moves.append((start, span, turn * peak * wide * span / 1.5))
        free = start + span + 2
    return moves


def _placement(
    draw: Draw, path: list[float], wide: float, width: int
) -> float | None:
    """Where the path starts so that most of it lies in the frame."""
    low, high = min(path), max(path)
    kind = draw.uniform()
    inner = wide * 0.55
    if kind < 0.72:
        # wholly inside
        room = width - 2 * inner - (high - low)
        if room < 0:
            return None
        return inner - low + draw.uniform(0, room)
    # one end of the path lies outside, on either side
    over = draw.uniform(0.1, 1.0) * wide
    if draw.chance(0.5):
        return -over - low
    return width + over - high
