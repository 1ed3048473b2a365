"""The world behind the actors: it moves with the camera."""

from dataclasses import dataclass

import numpy as np

from mmvist.datasets.synthetic.draw import Colour, Draw, noise

# dull colours: the actors are the bright things here
GROUNDS: tuple[Colour, ...] = (
    (0.42, 0.42, 0.44),
    (0.40, 0.46, 0.36),
    (0.54, 0.49, 0.41),
    (0.36, 0.40, 0.45),
)
SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((0.55, 0.70, 0.86), (0.80, 0.87, 0.90)),
    ((0.62, 0.66, 0.74), (0.84, 0.80, 0.76)),
    ((0.48, 0.58, 0.74), (0.90, 0.80, 0.70)),
)
WALLS: tuple[Colour, ...] = (
    (0.50, 0.44, 0.42),
    (0.46, 0.48, 0.52),
    (0.58, 0.54, 0.48),
    (0.40, 0.42, 0.40),
)
# how far the far layer moves when the camera moves by one pixel of the street
FAR = 0.5
HORIZON = 0.42


@dataclass
class Layer:
    """A strip wider than the frame.

    Attributes:
        pixels: (H, W + 2 * margin, 3) in [0, 1].
        margin: Pixels on each side.
    """

    pixels: np.ndarray
    margin: int

    def view(self, shift: float, width: int) -> np.ndarray:
        """Cut out (H, width, 3) with the camera ``shift`` pixels to the right."""
        left = self.margin + shift
        whole = int(left // 1)
        part = left - whole
        cut = self.pixels[:, whole : whole + width + 1]
        return cut[:, :-1] * (1 - part) + cut[:, 1:] * part


@dataclass
class Scene:
    """What stands behind all actors.

    Attributes:
        far: Sky and houses.
        near: The street below the horizon.
    """

    far: Layer
    near: Layer

    def backdrop(self, camera: float, width: int) -> np.ndarray:
        """The empty scene as (H, width, 3)."""
        far = self.far.view(camera * FAR, width)
        near = self.near.view(camera, width)
        return np.concatenate([far, near], axis=0)


def new_scene(draw: Draw, height: int, width: int, reach: float) -> Scene:
    """Draw a scene.

    Args:
        draw: Random draws.
        height: Of the frame.
        width: Of the frame.
        reach: The camera stays within this many pixels of the start.
    """
    margin = int(reach) + 4
    horizon = int(height * HORIZON)
    wide = width + 2 * margin
    return Scene(
        far=Layer(_far(draw, horizon, wide), margin),
        near=Layer(_street(draw, height - horizon, wide), margin),
    )


def _tint(colour: Colour, tone: np.ndarray) -> np.ndarray:
    """A colour times a (H, W) tone."""
    return np.asarray(colour)[None, None, :] * tone[..., None]


def _far(draw: Draw, height: int, width: int) -> np.ndarray:
    """Sky and a row of houses."""
    above, below = draw.pick(SKIES)
    ramp = (np.arange(height) / height)[:, None, None]
    sky = np.asarray(above) * (1 - ramp) + np.asarray(below) * ramp
    clouds = noise(draw, height, width, 28, 3)
    picture = sky + (np.maximum(clouds - 0.5, 0) * 0.5)[..., None]
    wall = draw.pick(WALLS)
    left = -draw.integer(0, 20)
    while left < width:
        span, top = draw.integer(22, 46), draw.integer(2, int(height * 0.55))
        tone = draw.uniform(0.8, 1.15)
        right = min(left + span, width)
        start = max(left, 0)
        if right > start:
            rough = noise(draw, height - top, right - start, 6, 3)
            house = _tint(wall, tone * (0.86 + 0.28 * rough))
            rows = np.arange(height - top)[:, None] % 9
            cols = (np.arange(start, right) - left)[None, :] % 8
            panes = (rows >= 3) & (rows < 7) & (cols >= 3) & (cols < 6)
            lit = draw.uniform(0.55, 1.25)
            house = house * (1 + (lit - 1) * panes)[..., None]
            picture[top:, start:right] = house
        left += span + (draw.integer(2, 12) if draw.chance(0.4) else 0)
    return np.minimum(np.maximum(picture, 0), 1)


def _street(draw: Draw, height: int, width: int) -> np.ndarray:
    """Asphalt, grass or stone with markings."""
    ground = draw.pick(GROUNDS)
    coarse = noise(draw, height, width, 26, 3)
    fine = noise(draw, height, width, 4, 2)
    depth = (np.arange(height) / height)[:, None]
    tone = 0.66 + 0.18 * depth + 0.30 * coarse + 0.18 * fine
    picture = _tint(ground, tone)
    kerb = draw.integer(5, 9)
    picture[:kerb] = picture[:kerb] * 1.18
    picture[kerb : kerb + 2] = picture[kerb : kerb + 2] * 0.7
    style = draw.pick(('lane', 'tiles', 'patches'))
    cols = np.arange(width)
    if style == 'lane':
        period, row = draw.integer(30, 44), draw.integer(24, 40)
        dash = (cols % period < period // 2)[None, :, None] * 0.28
        picture[row : row + 2] = picture[row : row + 2] + dash
    elif style == 'tiles':
        step = draw.integer(14, 20)
        joints = (cols % step == 0)[None, :] | (np.arange(height) % 11 == 0)[:, None]
        joints[: kerb + 2] = False
        picture = picture * (1 - 0.16 * joints)[..., None]
    else:
        stain = noise(draw, height, width, 18, 2)
        picture = picture * (1 - 0.22 * (stain > 0.56))[..., None]
    return np.minimum(np.maximum(picture, 0), 1)
