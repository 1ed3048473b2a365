"""Instances painted onto a frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from mmengine.structures import InstanceData
from torch import Tensor

from .labels import Rectangle, put_plate
from .palette import Color, identity_color


def display_scale(width: int, target: int = 768) -> int:
    """Whole factor that brings a small frame near ``target`` pixels of width.

    Examples:
        >>> display_scale(192), display_scale(427), display_scale(1920)
        (4, 2, 1)
    """
    return max(1, round(target / width))


def draw_instances(
    image: np.ndarray,
    instances: InstanceData,
    class_names: Sequence[str] = (),
    scale: int | None = None,
    opacity: float = 0.45,
    taken: list[Rectangle] | None = None,
) -> np.ndarray:
    """Paint masks, outlines and labels; one colour an identity.

    Args:
        image: (H, W, 3) uint8 BGR.
        instances: ``masks`` (N, H, W) bool and ``instances_id`` (N,), and of
            ``labels``, ``bboxes`` (xyxy, pixels of ``image``) what there is.
            Without masks the boxes are drawn.
        class_names: Names by label; a label beyond is written as a number.
        scale: Factor of enlargement; by default :func:`display_scale`.
        opacity: Of the fill, 0 to 1.
        taken: Where the labels are, in pixels of the result, is added to it.

    Returns:
        (H * scale, W * scale, 3) uint8 BGR, a new picture.
    """
    scale = display_scale(image.shape[1]) if scale is None else scale
    picture = enlarge(image, scale)
    ids = [int(one) for one in instances.instances_id]
    shapes = _shapes(instances, scale, picture.shape[:2])
    for identity, shape in zip(ids, shapes, strict=True):
        color = np.array(identity_color(identity), dtype=np.float32)
        picture[shape] = (1 - opacity) * picture[shape] + opacity * color
    outlined = 'masks' in instances
    for identity, shape in zip(ids, shapes, strict=True):
        _outline(picture, shape, identity_color(identity), 2 if outlined else 3)
    taken = [] if taken is None else taken
    # large ones last: their labels have more room to step aside
    order = sorted(range(len(ids)), key=lambda row: shapes[row].sum())
    for row in order:
        if shapes[row].any():
            name = _name(instances, row, class_names)
            text = f'{name} {ids[row]}'.strip()
            color = identity_color(ids[row])
            put_plate(picture, text, extent_of(shapes[row]), color, taken)
    return picture


def draw_remembered(
    picture: np.ndarray,
    boxes: Tensor | np.ndarray,
    identities: Sequence[int],
    texts: Sequence[str],
    taken: list[Rectangle] | None = None,
) -> None:
    """Dashed boxes of what is known but not seen.

    Args:
        picture: (H, W, 3) uint8 BGR, changed in place.
        boxes: (N, 4) xyxy, pixels of ``picture``; may reach beyond it.
        identities: N, for the colours.
        texts: N labels.
        taken: As in :func:`draw_instances`.
    """
    height, width = picture.shape[:2]
    taken = [] if taken is None else taken
    for box, identity, text in zip(_array(boxes), identities, texts, strict=True):
        x1, y1, x2, y2 = np.rint(box).astype(int).tolist()
        color = identity_color(identity)
        corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
        for start, end in pairwise(corners):
            _dashes(picture, start, end, color)
        inside = np.clip([x1, y1, x2, y2], 0, [width, height] * 2).tolist()
        put_plate(picture, text, tuple(inside), color, taken)


def draw_ignored(picture: np.ndarray, shape: np.ndarray) -> None:
    """Hatch a region that is not judged.

    Args:
        picture: (H, W, 3) uint8 BGR, changed in place.
        shape: (h, w) bool; brought to the size of the picture.
    """
    height, width = picture.shape[:2]
    shape = cv2.resize(shape.astype(np.float32), (width, height)) > 0.5
    rows, columns = np.mgrid[:height, :width]
    pitch = max(6, width // 96)
    hatch = shape & ((rows + columns) % pitch < max(1, pitch // 4))
    picture[hatch] = picture[hatch] // 4 + 150


def _dashes(
    picture: np.ndarray, start: tuple[int, int], end: tuple[int, int], color: Color
) -> None:
    dash = max(4, picture.shape[1] // 96)
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    for begin in range(0, length, 2 * dash):
        ends = [
            tuple(
                round(a + (b - a) * min(place, length) / length)
                for a, b in zip(start, end)
            )
            for place in (begin, begin + dash)
        ]
        cv2.line(picture, *ends, (25, 25, 25), 4, cv2.LINE_AA)
        cv2.line(picture, *ends, color, 2, cv2.LINE_AA)


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """A copy of a BGR picture, ``scale`` times as large, cubic."""
    if scale == 1:
        return image.copy()
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def extent_of(shape: np.ndarray) -> Rectangle:
    """Where a mask (H, W) is: x1, y1, x2, y2, the ends exclusive."""
    rows, columns = shape.any(1).nonzero()[0], shape.any(0).nonzero()[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _shapes(
    instances: InstanceData, scale: int, size: tuple[int, int]
) -> list[np.ndarray]:
    """What to fill, N times (H * scale, W * scale) bool, no stairs at the edge."""
    if 'masks' in instances:
        masks = _array(instances.masks).astype(np.float32)
        return [cv2.resize(mask, size[::-1]) > 0.5 for mask in masks]
    shapes = []
    for box in _array(instances.bboxes)[:, :4]:
        x1, y1, x2, y2 = np.maximum(np.rint(box * scale), 0).astype(int)
        shape = np.zeros(size, dtype=bool)
        shape[y1:y2, x1:x2] = True
        shapes.append(shape)
    return shapes


def _array(values: Tensor | np.ndarray) -> np.ndarray:
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _outline(
    picture: np.ndarray, shape: np.ndarray, color: Color, thickness: int
) -> None:
    """The edge of a shape in its colour, on a dark seam that any ground shows."""
    contours, _ = cv2.findContours(
        shape.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    cv2.drawContours(picture, contours, -1, (25, 25, 25), thickness + 2, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, color, thickness, cv2.LINE_AA)


def _name(instances: InstanceData, row: int, class_names: Sequence[str]) -> str:
    if 'labels' not in instances:
        return ''
    label = int(instances.labels[row])
    return class_names[label] if label < len(class_names) else f'class {label}'
