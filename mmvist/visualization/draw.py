"""Instances painted onto a frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from mmengine.structures import InstanceData
from torch import Tensor

from .palette import Color, identity_color, text_color
from .text import put_text, text_size

Rectangle = tuple[int, int, int, int]  # x1, y1, x2, y2


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
    taken: list[Rectangle] = []
    # large ones last: their labels have more room to step aside
    order = sorted(range(len(ids)), key=lambda row: shapes[row].sum())
    for row in order:
        if shapes[row].any():
            name = _name(instances, row, class_names)
            _label(picture, f'{name} {ids[row]}'.strip(), shapes[row], ids[row], taken)
    return picture


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """A copy of a BGR picture, ``scale`` times as large, cubic."""
    if scale == 1:
        return image.copy()
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


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


def _label(
    picture: np.ndarray,
    text: str,
    shape: np.ndarray,
    identity: int,
    taken: list[Rectangle],
) -> None:
    """Class and identity above the shape, where no other label is."""
    height, width = picture.shape[:2]
    size = max(11, round(width / 48))
    pad = size // 4
    text_width, text_height = text_size(text, size)
    w, h = text_width + 2 * pad, text_height
    rows, columns = shape.any(1).nonzero()[0], shape.any(0).nonzero()[0]
    x = int(np.clip((columns[0] + columns[-1] - w) // 2, 0, max(width - w, 0)))
    wishes = [rows[0] - h - 2, rows[0] + 3, rows[-1] + 3, rows[0] - 2 * h - 4]
    spots = [(x, int(y), x + w, int(y) + h) for y in wishes]
    inside = [s for s in spots if s[1] >= 0 and s[3] <= height] or [(x, 0, x + w, h)]
    free = [s for s in inside if not any(_overlap(s, other) for other in taken)]
    spot = (free or inside)[0]
    taken.append(spot)
    color = identity_color(identity)
    cv2.rectangle(picture, spot[:2], (spot[2] - 1, spot[3] - 1), color, -1)
    put_text(picture, text, (x + pad, spot[1]), size, text_color(color))


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
