"""Where an actor is in each frame, before a pixel is drawn."""

import math
from dataclasses import dataclass

import numpy as np

from mmvist.datasets.synthetic.actors import CAR, Actor, Pose, new_actor
from mmvist.datasets.synthetic.check import FrameTruth, count_switches
from mmvist.datasets.synthetic.draw import Draw, snap
from mmvist.datasets.synthetic.raster import Shape, box_of, silhouette

# no actor ever moves by more than this share of its own width in one frame
MAX_SHIFT = 0.6
# steepest per-frame step of a burst, as a share of the width: an IoU below 0.5
# needs a third, and whoever sees two frames can still follow
PEAKS = {1: (0.42, 0.53), 2: (0.38, 0.47)}
# frames after which a drift turns round: a clip may be of any length
TURN = 120
# an actor visible with fewer pixels than this counts as not there
MIN_PIXELS = 12
ROLES = ('stay', 'enter', 'leave', 'return', 'pass')


@dataclass(frozen=True)
class Part:
    """What is settled of an actor before its way is searched.

    Attributes:
        category: 1 car, 2 pedestrian.
        size: Length of a car or height of a pedestrian, in pixels.
        ground: Row where it stands; larger ones stand in front of others.
        family: Of colours.
        role: One of ``ROLES``: what it does at the border or behind a prop.
    """

    category: int
    size: float
    ground: float
    family: int
    role: str

    @property
    def wide(self) -> float:
        """Usual width in pixels."""
        return self.size * (1.0 if self.category == CAR else 0.36)

    @property
    def unit(self) -> float:
        """Pixels that stand for one pixel of an actor of usual size."""
        return self.size / 48


@dataclass
class Track:
    """One actor through a clip.

    Attributes:
        part: What was settled before.
        actor: Its looks.
        poses: One a frame, in image pixels.
        shapes: One a frame: what it would cover alone.
    """

    part: Part
    actor: Actor
    poses: list[Pose]
    shapes: list[Shape]


def ease(u: float) -> float:
    """Smoothly from 0 at 0 to 1 at 1; the steepest slope is 1.5."""
    u = min(max(u, 0.0), 1.0)
    return u * u * (3 - 2 * u)


def slow_down(u: float) -> float:
    """From 0 at 0 to 1 at 1, fast at first."""
    u = 1 - min(max(u, 0.0), 1.0)
    return 1 - u * u * u


def wave(start: float, t: float, period: float) -> float:
    """A sine that no machine's last bit can disturb."""
    return snap(math.sin(start + 6.2831853 * t / period))


def turning(t: float) -> float:
    """Frames of drift until ``t``: what drifts turns round, or it would be gone."""
    t = t % (2 * TURN)
    return min(t, 2 * TURN - t)


def camera_path(draw: Draw, frames: int) -> list[float]:
    """Camera position in pixels of the street, 0 at the start."""
    drift, sway = draw.uniform(-0.9, 0.9), draw.uniform(0, 2.5)
    start, period = draw.uniform(0, 6.28), draw.uniform(14, 30)
    path = [drift * turning(t) + sway * wave(start, t, period) for t in range(frames)]
    return [snap(x - path[0]) for x in path]


def draw_track(
    draw: Draw, part: Part, camera: list[float], size: tuple[int, int], prop_x: float
) -> Track | None:
    """Draw the way of one actor.

    Args:
        draw: Random draws.
        part: What is settled.
        camera: Its path; actors follow the street a little.
        size: (height, width) of the frame.
        prop_x: Where the prop stands that a passer-by goes behind.

    Returns:
        A track, or None if it breaks a rule: then draw again.
    """
    path = _WAYS[part.role](draw, part, len(camera), size[1], prop_x)
    if path is None:
        return None
    if part.role == 'stay':
        path = [x - 0.5 * c for x, c in zip(path, camera, strict=True)]
        path = _settle(draw, path, part.wide, size[1])
        if path is None:
            return None
    facing = 1 if path[-1] >= path[0] else -1
    actor = new_actor(draw, part.category, part.size, facing, part.family)
    poses = _poses(draw, part, path)
    shapes = [silhouette(actor.parts(p), actor.extent(p)) for p in poses]
    track = Track(part, actor, poses, shapes)
    fair = _moves_well(track) and _plays(track, size) and _followable(track, size)
    return track if fair else None


def _poses(draw: Draw, part: Part, path: list[float]) -> list[Pose]:
    """Add breathing, squashing, limbs and a step's bounce to a way."""
    breathe, breath = draw.uniform(0.02, 0.08), draw.uniform(8, 16)
    squash, beat = draw.uniform(0.0, 0.06), draw.uniform(5, 10)
    begin, phase = draw.uniform(0, 6.28), draw.uniform(0, 6.28)
    sink = draw.uniform(-0.12, 0.12) * part.unit * 24 / len(path)
    bounce, pace = (0.6, 0.12) if part.category == CAR else (1.4, 0.03)
    bounce, pace = bounce * part.unit, pace / part.unit
    poses = []
    for t, x in enumerate(path):
        phase += 0.42 + pace * abs(x - path[max(t - 1, 0)])
        grow = 1 + breathe * wave(begin, t, breath)
        flat = squash * wave(begin, t, beat)
        bob = bounce * abs(snap(math.sin(phase)))
        poses.append(
            Pose(
                x=snap(x),
                y=snap(part.ground + sink * t - bob),
                width=snap(grow * (1 + flat)),
                height=snap(grow * (1 - flat)),
                phase=phase,
            )
        )
    return poses


def _moves_well(track: Track) -> bool:
    """Whether no step exceeds the share of the width that can be followed."""
    for t in range(1, len(track.poses)):
        step = abs(track.poses[t].x - track.poses[t - 1].x)
        if step > MAX_SHIFT * track.shapes[t - 1].width:
            return False
    return True


def _plays(track: Track, size: tuple[int, int]) -> bool:
    """Whether the actor is in and out of the frame as its role wants it."""
    seen = [
        int(np.count_nonzero(shape.crop(*size)[1])) >= MIN_PIXELS
        for shape in track.shapes
    ]
    if sum(seen) < 0.5 * len(seen):
        return False
    changes = sum(a != b for a, b in zip(seen, seen[1:], strict=False))
    if track.part.role == 'enter':
        return changes == 1 and seen[-1]
    if track.part.role == 'leave':
        return changes == 1 and seen[0]
    if track.part.role == 'return':
        return changes == 2 and 1 <= seen.count(False) <= 4 and seen[0]
    return changes == 0 and seen[0]


def _followable(track: Track, size: tuple[int, int]) -> bool:
    """Whether the actor alone keeps its identity for whoever knows its motion."""
    frames: list[FrameTruth] = []
    for shape in track.shapes:
        (rows, cols), inside = shape.crop(*size)
        frames.append({})
        if np.count_nonzero(inside) >= MIN_PIXELS:
            frames[-1][1] = 1, box_of(inside, cols.start, rows.start)
    # who comes back over the border comes back where nobody expects it
    allowed = 1 if track.part.role == 'return' else 0
    return count_switches(frames, oracle_size=size) <= allowed


def _burst(draw: Draw, part: Part) -> tuple[float, float]:
    """A quick move: frames it takes, and pixels."""
    span = draw.uniform(4.5, 6.5)
    return span, draw.uniform(*PEAKS[part.category]) * part.wide * span / 1.5


def _stay(
    draw: Draw, part: Part, frames: int, width: int, prop_x: float
) -> list[float] | None:
    """Drift, sway and bursts, anywhere."""
    moves: list[tuple[float, float, float]] = []
    free = 1.0
    while free < frames - 5:
        if draw.chance(0.24):
            span, far = _burst(draw, part)
            start = free + draw.uniform(0, 3)
            sign = draw.sign()
            if start > TURN:  # back to where it came from
                sign = -1 if sum(move[2] for move in moves) > 0 else 1
            moves.append((start, span, sign * far))
            free = start + span + 2
        else:
            free += 6
    drift = draw.sign() * draw.uniform(0.1, 1.3) * part.unit
    sway, period = draw.uniform(0, 2.0) * part.unit, draw.uniform(9, 18)
    begin = draw.uniform(0, 6.28)
    return [
        drift * turning(t)
        + sway * wave(begin, t, period)
        + sum(far * ease((t - start) / span) for start, span, far in moves)
        for t in range(frames)
    ]


def _settle(
    draw: Draw, path: list[float], wide: float, width: int
) -> list[float] | None:
    """Shift a way so that it lies in the frame, now and then a bit beyond."""
    margin = wide * (0.55 if draw.chance(0.8) else 0.2)
    room = width - 2 * margin - (max(path) - min(path))
    if room < 0:
        return None
    shift = margin - min(path) + draw.uniform(0, room)
    return [x + shift for x in path]


def _enter(
    draw: Draw, part: Part, frames: int, width: int, prop_x: float
) -> list[float] | None:
    """From outside through the border, then a burst or not."""
    start, span = draw.integer(0, 7), draw.uniform(7, 9)
    far = draw.uniform(1.1, 1.5) * part.wide
    again = start + span + draw.uniform(-1, 3)
    span2, far2 = _burst(draw, part) if draw.chance(0.5) else (1.0, 0.0)
    outside = -0.55 * part.wide - 1
    drift = draw.uniform(-0.1, 0.5) * part.unit
    path = [
        outside
        + far * slow_down((t - start) / span)
        + far2 * ease((t - again) / span2)
        + drift * turning(max(t - start - span, 0.0))
        for t in range(frames)
    ]
    return path if draw.chance(0.5) else [width - x for x in path]


def _leave(
    draw: Draw, part: Part, frames: int, width: int, prop_x: float
) -> list[float] | None:
    """Enter, played backwards."""
    return _enter(draw, part, frames, width, prop_x)[::-1]


def _return(
    draw: Draw, part: Part, frames: int, width: int, prop_x: float
) -> list[float] | None:
    """Out over the border and back at the same place soon after."""
    span = draw.integer(6, 8)
    out, away = draw.integer(1, frames - 2 * span - 3), draw.integer(0, 3)
    back = out + span + away
    inside, outside = draw.uniform(0.55, 0.9) * part.wide, -0.55 * part.wide - 1
    again = back + span + draw.uniform(-1, 1)
    span2, far2 = _burst(draw, part) if draw.chance(0.5) else (1.0, 0.0)
    path = []
    for t in range(frames):
        gone = slow_down((out + span - t) / span) if t < back else 0.0
        gone = max(gone, slow_down((t - back) / span))
        rest = far2 * ease((t - again) / span2)
        path.append(outside + (inside - outside) * gone + rest)
    return path if draw.chance(0.5) else [width - x for x in path]


def _pass(
    draw: Draw, part: Part, frames: int, width: int, prop_x: float
) -> list[float] | None:
    """Steadily behind the prop, coming out on its other side."""
    speed = draw.sign() * draw.uniform(3.2, 5.2) * part.unit
    when = draw.uniform(0.35, 0.65) * frames
    sway, period = draw.uniform(0, 1.5) * part.unit, draw.uniform(9, 18)
    path = []
    for t in range(frames):
        x = prop_x + speed * (t - when)
        # it walks up to the border and stays
        x = min(max(x, part.wide), width - part.wide)
        path.append(x + sway * wave(0, t, period))
    return path


_WAYS = dict(zip(ROLES, (_stay, _enter, _leave, _return, _pass), strict=True))
