"""Seeded draws, signed distances and noise that give the same bits everywhere.

Every array operation here and in the modules beside is one that IEEE 754 rounds
exactly (+ - * / sqrt, comparisons). No sin, exp, matrix product, sum or image
warp on arrays: those differ between machines in the last bit, and the clips are
pinned by a hash.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar('T')
Colour = tuple[float, float, float]


class Draw:
    """Random draws built on the one stream that numpy keeps stable.

    Args:
        seed: Non-negative integers.
    """

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in [low, high)."""
        # not Generator.uniform: its C expression may be fused on some machines
        return low + (high - low) * float(self._rng.random())

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return low + int(self._rng.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return float(self._rng.random()) < probability

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.chance(0.5) else -1

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.integer(0, len(items) - 1)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        rest = list(items)
        return [rest.pop(self.integer(0, len(rest) - 1)) for _ in items]

    def lattice(self, height: int, width: int) -> np.ndarray:
        """(height, width) numbers in [0, 1)."""
        return self._rng.random((height, width))


def snap(value: float) -> float:
    """Round to 1/256, so that a last bit of ``math.sin`` cannot reach a pixel."""
    return round(value * 256) / 256


def upsample(lattice: np.ndarray, height: int, width: int) -> np.ndarray:
    """Smoothly interpolate a lattice to (height, width)."""
    rows, y = _cells(lattice.shape[0], height)
    cols, x = _cells(lattice.shape[1], width)
    y, x = y[:, None], x[None, :]
    top = lattice[rows][:, cols] * (1 - x) + lattice[rows][:, cols + 1] * x
    bottom = lattice[rows + 1][:, cols] * (1 - x) + lattice[rows + 1][:, cols + 1] * x
    return top * (1 - y) + bottom * y


def _cells(points: int, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Lattice cell of each pixel and the smoothed position in it."""
    position = (np.arange(pixels) + 0.5) * (points - 1) / pixels
    cell = np.minimum(position.astype(np.int64), points - 2)
    inner = position - cell
    return cell, inner * inner * (3 - 2 * inner)


def noise(draw: Draw, height: int, width: int, cell: float, octaves: int) -> np.ndarray:
    """Value noise in [0, 1] of (height, width); ``cell`` is in pixels."""
    total, weight, weights = np.zeros((height, width)), 1.0, 0.0
    for _ in range(octaves):
        shape = int(height / cell) + 2, int(width / cell) + 2
        total = total + upsample(draw.lattice(*shape), height, width) * weight
        weights += weight
        weight, cell = weight / 2, max(cell / 2, 1.0)
    return total / weights


def capsule(
    x: np.ndarray,
    y: np.ndarray,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
) -> np.ndarray:
    """Signed distance in pixels to a thick line, negative inside."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    px, py = x - start[0], y - start[1]
    along = (px * dx + py * dy) / max(dx * dx + dy * dy, 1e-6)
    along = np.minimum(np.maximum(along, 0), 1)
    qx, qy = px - along * dx, py - along * dy
    return np.sqrt(qx * qx + qy * qy) - radius


def ellipse(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], rx: float, ry: float
) -> np.ndarray:
    """Signed distance (roughly) to an ellipse."""
    px, py = (x - centre[0]) / rx, (y - centre[1]) / ry
    return (np.sqrt(px * px + py * py) - 1) * min(rx, ry)


def polygon(
    x: np.ndarray,
    y: np.ndarray,
    corners: Sequence[tuple[float, float]],
    rounding: float = 0.0,
) -> np.ndarray:
    """Signed distance (a lower bound) to a convex polygon, either way round.

    Args:
        x: Pixel centres, broadcastable with ``y``.
        y: Pixel centres.
        corners: In order around the polygon.
        rounding: Pixels that the outline is pushed out.
    """
    area = sum(
        a[0] * b[1] - a[1] * b[0]
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
    )
    side = 1.0 if area > 0 else -1.0
    worst = None
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey = b[0] - a[0], b[1] - a[1]
        length = max(float(np.sqrt(ex * ex + ey * ey)), 1e-6)
        nx, ny = side * ey / length, -side * ex / length
        edge = (x - a[0]) * nx + (y - a[1]) * ny
        worst = edge if worst is None else np.maximum(worst, edge)
    return worst - rounding


def rounded_box(
    x: np.ndarray,
    y: np.ndarray,
    centre: tuple[float, float],
    half: tuple[float, float],
    radius: float,
) -> np.ndarray:
    """Signed distance to a box with round corners."""
    qx = np.abs(x - centre[0]) - (half[0] - radius)
    qy = np.abs(y - centre[1]) - (half[1] - radius)
    ox, oy = np.maximum(qx, 0), np.maximum(qy, 0)
    return np.sqrt(ox * ox + oy * oy) + np.minimum(np.maximum(qx, qy), 0) - radius
