"""What cars and pedestrians look like: parts with signed distances."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from mmvist.datasets.synthetic.draw import (
    Colour,
    Draw,
    capsule,
    ellipse,
    noise,
    polygon,
    rounded_box,
    snap,
)

CAR, PEDESTRIAN = 1, 2

GLASS: Colour = (0.62, 0.78, 0.86)
TYRE: Colour = (0.10, 0.10, 0.12)
HUB: Colour = (0.72, 0.72, 0.74)
SKINS: tuple[Colour, ...] = (
    (0.95, 0.78, 0.64),
    (0.80, 0.58, 0.42),
    (0.50, 0.33, 0.22),
)
# families: the objects of one class and clip share one, so that they look alike
CAR_COLOURS: tuple[Colour, ...] = (
    (0.86, 0.15, 0.13),
    (0.13, 0.32, 0.80),
    (0.95, 0.76, 0.12),
    (0.93, 0.93, 0.95),
    (0.05, 0.52, 0.52),
    (0.55, 0.14, 0.55),
)
SHIRT_COLOURS: tuple[Colour, ...] = (
    (0.98, 0.48, 0.08),
    (0.20, 0.74, 0.22),
    (0.92, 0.18, 0.45),
    (0.20, 0.55, 0.95),
    (0.97, 0.87, 0.25),
    (0.94, 0.94, 0.90),
)
TROUSER_COLOURS: tuple[Colour, ...] = (
    (0.12, 0.14, 0.34),
    (0.20, 0.13, 0.10),
    (0.14, 0.14, 0.16),
    (0.38, 0.08, 0.14),
)


@dataclass(frozen=True)
class Pose:
    """An actor in one frame.

    Attributes:
        x: Middle, in image pixels.
        y: Where it stands, in image pixels.
        width: Factor of its design size across.
        height: Factor of its design size upwards.
        phase: Of the limbs or wheels, in radians.
    """

    x: float
    y: float
    width: float
    height: float
    phase: float


@dataclass(frozen=True)
class Part:
    """A coloured shape; ``inner`` ones lie on others and add no outline."""

    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    colour: Colour
    inner: bool = False
    grain: float = 0.0


@dataclass
class Actor:
    """An object's looks.

    Attributes:
        category: 1 car, 2 pedestrian.
        size: Length of a car or height of a pedestrian, in pixels.
        facing: 1 to the right, -1 to the left.
        colours: Main, second and third colour.
        grain: (32, 32) noise that sticks to the surface.
        shape: Small variations of the build, in [0, 1].
    """

    category: int
    size: float
    facing: int
    colours: tuple[Colour, Colour, Colour]
    grain: np.ndarray = field(repr=False)
    shape: tuple[float, float]

    def extent(self, pose: Pose) -> tuple[float, float, float, float]:
        """A box (x1, y1, x2, y2) that surely holds the actor, in image pixels."""
        half = (0.56 if self.category == CAR else 0.42) * self.size * pose.width
        height = (0.64 if self.category == CAR else 1.08) * self.size * pose.height
        return pose.x - half - 2, pose.y - height - 2, pose.x + half + 2, pose.y + 3

    def parts(self, pose: Pose) -> list[Part]:
        """The shapes of one frame, back to front."""
        return (_car if self.category == CAR else _pedestrian)(self, pose)


def new_actor(
    draw: Draw, category: int, size: float, facing: int, family: int
) -> Actor:
    """Draw an actor of a colour family of its class."""
    if category == CAR:
        main, second = CAR_COLOURS[family % len(CAR_COLOURS)], GLASS
    else:
        main = SHIRT_COLOURS[family % len(SHIRT_COLOURS)]
        second = TROUSER_COLOURS[family % len(TROUSER_COLOURS)]
    light = draw.uniform(0.93, 1.05)
    main = tuple(min(v * light * draw.uniform(0.97, 1.03), 1.0) for v in main)
    return Actor(
        category=category,
        size=size,
        facing=facing,
        colours=(main, second, draw.pick(SKINS)),
        grain=noise(draw, 32, 32, 6, 3),
        shape=(draw.uniform(), draw.uniform()),
    )


def _car(actor: Actor, pose: Pose) -> list[Part]:
    wide, high = actor.size * pose.width, actor.size * pose.height
    boxy, roof = actor.shape

    def at(u: float, v: float) -> tuple[float, float]:
        """Design coordinates (forwards, up; length 1) to image pixels."""
        return pose.x + actor.facing * u * wide, pose.y - v * high

    main, glass, _ = actor.colours
    dark = tuple(0.55 * v for v in main)
    back, top = -0.40 + 0.06 * boxy, 0.47 + 0.06 * roof
    cabin = [at(back, 0.30), at(0.26, 0.30), at(0.12, top), at(back + 0.10, top)]
    rear = [
        at(back + 0.07, 0.32),
        at(-0.07, 0.32),
        at(-0.07, top - 0.04),
        at(back + 0.13, top - 0.04),
    ]
    front = [
        at(-0.03, 0.32),
        at(0.19, 0.32),
        at(0.10, top - 0.04),
        at(-0.03, top - 0.04),
    ]
    body = (0.50 * wide, 0.115 * high)
    turn = snap(0.05 * math.cos(pose.phase)), snap(0.05 * math.sin(pose.phase))
    parts = [
        Part(partial(polygon, corners=cabin, rounding=0.8), main, grain=0.25),
        Part(
            partial(
                rounded_box, centre=at(0, 0.215), half=body, radius=0.075 * actor.size
            ),
            main,
            grain=0.25,
        ),
        Part(partial(polygon, corners=rear), glass, inner=True),
        Part(partial(polygon, corners=front), glass, inner=True),
        Part(
            partial(capsule, start=at(-0.44, 0.17), end=at(0.44, 0.17), radius=0.8),
            dark,
            inner=True,
        ),
        Part(
            partial(ellipse, centre=at(0.455, 0.25), rx=1.9, ry=1.7),
            (1.0, 0.97, 0.72),
            inner=True,
        ),
        Part(
            partial(ellipse, centre=at(-0.465, 0.25), rx=1.5, ry=1.9),
            (0.75, 0.05, 0.05),
            inner=True,
        ),
    ]
    for u in (-0.30, 0.29):
        hub = at(u, 0.095)
        spoke = at(u + turn[0], 0.095 + turn[1])
        tyre = partial(ellipse, centre=hub, rx=0.105 * actor.size, ry=0.105 * high)
        disc = partial(ellipse, centre=hub, rx=0.055 * actor.size, ry=0.055 * high)
        spot = partial(capsule, start=hub, end=spoke, radius=0.6)
        parts += [
            Part(tyre, TYRE),
            Part(disc, HUB, inner=True),
            Part(spot, TYRE, inner=True),
        ]
    return parts


def _pedestrian(actor: Actor, pose: Pose) -> list[Part]:
    wide, high = actor.size * pose.width, actor.size * pose.height
    build, stride = actor.shape

    def at(u: float, v: float) -> tuple[float, float]:
        return pose.x + actor.facing * u * wide, pose.y - v * high

    def limb(
        root: tuple[float, float],
        upper: tuple[float, float],
        lower: tuple[float, float],
        radius: float,
        colours: tuple[Colour, Colour],
    ) -> list[Part]:
        """Two segments, each (length, angle from straight down)."""
        joint = (
            root[0] + upper[0] * snap(math.sin(upper[1])),
            root[1] - upper[0] * snap(math.cos(upper[1])),
        )
        end = (
            joint[0] + lower[0] * snap(math.sin(lower[1])),
            joint[1] - lower[0] * snap(math.cos(lower[1])),
        )
        return [
            Part(
                partial(capsule, start=at(*joint), end=at(*end), radius=0.85 * radius),
                colours[1],
            ),
            Part(
                partial(capsule, start=at(*root), end=at(*joint), radius=radius),
                colours[0],
            ),
        ]

    shirt, trousers, skin = actor.colours
    swing = snap((0.36 + 0.12 * stride) * math.sin(pose.phase))
    bend = snap(0.30 * max(math.cos(pose.phase), 0.0))
    unbend = snap(0.30 * max(-math.cos(pose.phase), 0.0))
    thick = (0.95 + 0.25 * build) * actor.size
    shade = tuple(0.75 * v for v in shirt)
    dim = tuple(0.75 * v for v in trousers)
    hip, shoulder, neck = (0.0, 0.47), (0.0, 0.72), (0.01, 0.735)
    far_arm = limb(
        shoulder, (0.17, swing), (0.15, swing + 0.35), 0.042 * thick, (shade, skin)
    )
    near_arm = limb(
        shoulder, (0.17, -swing), (0.15, 0.35 - swing), 0.046 * thick, (shirt, skin)
    )
    far_leg = limb(
        hip, (0.23, -swing - 0.1), (0.23, -swing - unbend), 0.060 * thick, (dim, dim)
    )
    near_leg = limb(
        hip,
        (0.23, swing + 0.1),
        (0.23, swing - bend + 0.1),
        0.066 * thick,
        (trousers, trousers),
    )
    torso = Part(
        partial(capsule, start=at(*hip), end=at(*neck), radius=0.112 * thick),
        shirt,
        grain=0.30,
    )
    belt = Part(
        partial(capsule, start=at(-0.06, 0.45), end=at(0.06, 0.45), radius=1.0),
        trousers,
        inner=True,
    )
    head = Part(
        partial(ellipse, centre=at(0.02, 0.90), rx=0.092 * thick, ry=0.095 * high), skin
    )
    hair = Part(
        partial(
            capsule,
            start=at(-0.045, 0.945),
            end=at(0.025, 0.965),
            radius=0.042 * thick,
        ),
        (0.16, 0.10, 0.07) if build < 0.6 else (0.52, 0.36, 0.14),
    )
    return [*far_arm, *far_leg, *near_leg, torso, belt, head, hair, *near_arm]
