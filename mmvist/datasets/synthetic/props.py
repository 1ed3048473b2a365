"""Things that stand in the foreground: background class, in front of all actors."""

from dataclasses import dataclass
from functools import partial

from mmvist.datasets.synthetic.actors import Part
from mmvist.datasets.synthetic.draw import (
    Colour,
    Draw,
    ellipse,
    polygon,
    rounded_box,
)

COLOURS: dict[str, Colour] = {
    'post': (0.30, 0.31, 0.33),
    'tree': (0.33, 0.25, 0.18),
    'column': (0.62, 0.58, 0.52),
    'kiosk': (0.34, 0.40, 0.38),
}
LEAVES: Colour = (0.20, 0.36, 0.18)
PAPER: Colour = (0.78, 0.74, 0.62)
RED: Colour = (0.50, 0.36, 0.34)
BLUE: Colour = (0.36, 0.42, 0.52)


@dataclass(frozen=True)
class Prop:
    """One prop.

    Attributes:
        kind: post, tree, column or kiosk (wide enough to hide a pedestrian).
        x: Middle, in pixels of the street.
        scale: Factor of its size.
        height: Of the frame, in pixels.
    """

    kind: str
    x: float
    scale: float
    height: int

    def extent(self, camera: float) -> tuple[float, float, float, float]:
        """A box (x1, y1, x2, y2) that surely holds it, in image pixels."""
        reach = 26.0 * self.scale
        x = self.x - camera
        return x - reach, -8.0, x + reach, self.height

    def parts(self, camera: float) -> list[Part]:
        """Its shapes, back to front."""
        return _PARTS[self.kind](self.x - camera, self.height, self.scale)


def new_prop(draw: Draw, kind: str, x: float, size: tuple[int, int]) -> Prop:
    """Draw a prop of a kind for frames of (height, width) ``size``."""
    scale = min(size[0] / 128, size[1] / 192) * draw.uniform(0.9, 1.15)
    return Prop(kind, x, scale, size[0])


def _pillar(
    x: float, top: float, foot: float, half: float, colour: Colour, grain: float
) -> Part:
    """An upright bar with round corners."""
    centre, extent = (x, (top + foot) / 2), (half, (foot - top) / 2)
    shape = partial(rounded_box, centre=centre, half=extent, radius=0.4 * half)
    return Part(shape, colour, grain=grain)


def _block(
    x: float, top: float, bottom: float, half: float, colour: Colour, inner: bool
) -> Part:
    """An upright rectangle."""
    corners = [(x - half, top), (x + half, top), (x + half, bottom), (x - half, bottom)]
    return Part(partial(polygon, corners=corners), colour, inner, grain=0.3)


def _post(x: float, height: int, scale: float) -> list[Part]:
    lamp = partial(ellipse, centre=(x, 0.17 * height), rx=6 * scale, ry=4 * scale)
    pole = _pillar(x, 0.16 * height, height - 3.0, 2.4 * scale, COLOURS['post'], 0.4)
    return [pole, Part(lamp, (0.85, 0.83, 0.70))]


def _tree(x: float, height: int, scale: float) -> list[Part]:
    parts = [_pillar(x, -4.0, height - 3.0, 4.2 * scale, COLOURS['tree'], 0.5)]
    for dx, dy, radius in ((-9, 4, 13), (9, 5, 12), (0, -2, 15)):
        leaf = partial(
            ellipse,
            centre=(x + dx * scale, dy * scale),
            rx=radius * scale,
            ry=0.8 * radius * scale,
        )
        parts.append(Part(leaf, LEAVES, grain=0.8))
    return parts


def _column(x: float, height: int, scale: float) -> list[Part]:
    half, foot = 7.0 * scale, height - 3.0
    colour = COLOURS['column']
    base = _block(x, foot - 7, foot + 2, half + 3 * scale, colour, inner=False)
    return [_pillar(x, -4.0, foot, half, colour, 0.5), base]


def _kiosk(x: float, height: int, scale: float) -> list[Part]:
    half, top, foot = 14.0 * scale, 0.22 * height, height - 4.0
    colour = COLOURS['kiosk']
    roof = tuple(0.6 * v for v in colour)
    return [
        _pillar(x, top, foot, half, colour, 0.5),
        _block(x, top - 3, top + 4, half + 3 * scale, roof, inner=False),
        _block(x, top + 10, foot - 26, half - 4 * scale, PAPER, inner=True),
        _block(x, top + 16, top + 20, half - 7 * scale, RED, inner=True),
        _block(x, top + 25, top + 28, half - 7 * scale, BLUE, inner=True),
    ]


_PARTS = dict(post=_post, tree=_tree, column=_column, kiosk=_kiosk)
