"""A clip's cast and ways, searched until they are hard and fair to link."""

from dataclasses import dataclass

import numpy as np

from mmvist.datasets.errors import DataError
from mmvist.datasets.synthetic.actors import CAR, PEDESTRIAN
from mmvist.datasets.synthetic.check import FrameTruth, LinkReport, link_report
from mmvist.datasets.synthetic.draw import Draw
from mmvist.datasets.synthetic.motion import (
    MIN_PIXELS,
    Part,
    Track,
    camera_path,
    draw_track,
)
from mmvist.datasets.synthetic.props import Prop, new_prop
from mmvist.datasets.synthetic.raster import Shape, box_of, silhouette

# what the search aims at, per clip: switches of plain IoU linking per true box
# in this range, and at most so many of the oracle
RATES = (0.045, 0.105)
ORACLE_SWITCHES = 1
SEARCH_STEPS = 120
# a way is found in 2 to 5 draws, in 12 of a long clip; a frame with no room for one is
# an error
DRAWS = 500


@dataclass
class Plan:
    """Everything that moves in a clip, and its masks.

    Attributes:
        size: (height, width) of the frame.
        camera: Its position in each frame, in pixels of the street.
        props: In front of all actors.
        tracks: Far to near.
        masks: (T, H, W) uint16, class * 1000 + instance.
        report: How hard the masks are to link.
    """

    size: tuple[int, int]
    camera: list[float]
    props: list[Prop]
    tracks: list[Track]
    masks: np.ndarray
    report: LinkReport


def make_plan(draw: Draw, frames: int, size: tuple[int, int]) -> Plan:
    """Draw a plan: one way after the other is drawn again while that helps."""
    camera = camera_path(draw, frames)
    cast = draw_cast(draw, frames, size)
    props = _draw_props(draw, cast, size)
    covers = [_prop_shapes(prop, camera, size) for prop in props]
    prop_x = props[0].x if props else 0.0

    def new_track(part: Part) -> Track:
        for _ in range(DRAWS):
            track = draw_track(draw, part, camera, size, prop_x)
            if track is not None:
                return track
        raise DataError(
            f'no way found for {part} in {frames} frames of {size[1]}x{size[0]}: make '
            'clips of fewer frames, or wider ones'
        )

    tracks = [new_track(part) for part in cast]
    masks, report = _judge(tracks, covers, size)
    cost = _cost(report, tracks, masks)
    for _ in range(SEARCH_STEPS):
        if cost == 0:
            break
        i = draw.integer(0, len(tracks) - 1)
        trial = [*tracks[:i], new_track(tracks[i].part), *tracks[i + 1 :]]
        new_masks, new_report = _judge(trial, covers, size)
        new_cost = _cost(new_report, trial, new_masks)
        if new_cost <= cost:
            tracks, masks, report, cost = trial, new_masks, new_report, new_cost
    return Plan(size, camera, props, tracks, masks, report)


def draw_cast(draw: Draw, frames: int, size: tuple[int, int]) -> list[Part]:
    """Draw 3 to 5 actors of both classes, far to near."""
    height, width = size
    count = draw.integer(3, 5)
    cars = draw.integer(1, count - 1)
    classes = draw.shuffled([CAR] * cars + [PEDESTRIAN] * (count - cars))
    scale = min(height / 128, width / 192)
    families = {CAR: draw.integer(0, 5), PEDESTRIAN: draw.integer(0, 5)}
    roles = draw.shuffled(_draw_roles(draw, count, frames))
    if 'pass' in roles:
        # only a pedestrian fits behind a prop
        walker, passer = classes.index(PEDESTRIAN), roles.index('pass')
        roles[walker], roles[passer] = roles[passer], roles[walker]
    low, high = 0.60 * height, 0.96 * height
    cast = []
    for i, category in enumerate(classes):
        lane = low + (high - low) * (i + draw.uniform(0.2, 0.8)) / count
        near = 0.86 + 0.28 * (lane - low) / (high - low)
        design = draw.uniform(40, 52) if category == CAR else draw.uniform(44, 55)
        family = families[category]
        if draw.chance(0.15):  # one that does not look like its kind
            family += draw.integer(1, 5)
        cast.append(Part(category, design * near * scale, lane, family, roles[i]))
    return cast


def _draw_roles(draw: Draw, count: int, frames: int) -> list[str]:
    """At most two actors do something at the border or behind a prop."""
    roles = ['stay'] * count
    if frames < 20:
        return roles  # too short to leave and come back
    if draw.chance(0.55):
        roles[0] = draw.pick(('return', 'return', 'pass'))
    if draw.chance(0.75):
        roles[1] = draw.pick(('enter', 'leave'))
    return roles


def _draw_props(draw: Draw, cast: list[Part], size: tuple[int, int]) -> list[Prop]:
    height, width = size
    if any(part.role == 'pass' for part in cast):
        return [new_prop(draw, 'kiosk', draw.uniform(0.35, 0.65) * width, size)]
    if draw.chance(0.5):
        kind = draw.pick(('post', 'tree', 'column'))
        return [new_prop(draw, kind, draw.uniform(0.15, 0.85) * width, size)]
    return []


def _prop_shapes(prop: Prop, camera: list[float], size: tuple[int, int]) -> list[Shape]:
    return [silhouette(prop.parts(x), prop.extent(x)) for x in camera]


def _judge(
    tracks: list[Track], covers: list[list[Shape]], size: tuple[int, int]
) -> tuple[np.ndarray, LinkReport]:
    """Masks of the clip and how hard they are to link."""
    frames = len(tracks[0].shapes)
    masks = np.zeros((frames, *size), dtype=np.uint16)
    for track, value in zip(tracks, mask_values(tracks), strict=True):
        for mask, shape in zip(masks, track.shapes, strict=True):
            window, inside = shape.crop(*size)
            mask[window][inside] = value
    for cover in covers:
        for mask, shape in zip(masks, cover, strict=True):
            window, inside = shape.crop(*size)
            mask[window][inside] = 0
    for mask in masks:
        counts = np.bincount(mask.ravel())
        for value in np.flatnonzero((counts > 0) & (counts < MIN_PIXELS)):
            mask[mask == value] = 0
    return masks, link_report(truth_of(masks), size)


def mask_values(tracks: list[Track]) -> list[int]:
    """class * 1000 + instance of each track, instances counted from 1."""
    counts = {CAR: 0, PEDESTRIAN: 0}
    values = []
    for track in tracks:
        counts[track.part.category] += 1
        values.append(1000 * track.part.category + counts[track.part.category])
    return values


def truth_of(masks: np.ndarray) -> list[FrameTruth]:
    """Classes and boxes of the instances in (T, H, W) ids."""
    truth: list[FrameTruth] = []
    for mask in masks:
        frame: FrameTruth = {}
        for value in np.flatnonzero(np.bincount(mask.ravel())).tolist():
            if value:
                frame[value] = value // 1000, box_of(mask == value)
        truth.append(frame)
    return truth


def _cost(report: LinkReport, tracks: list[Track], masks: np.ndarray) -> float:
    """0 if the clip is as it should be, more the farther it is from that."""
    frames = len(masks)
    low, high = RATES if frames >= 20 else (0.0, RATES[1])
    cost = 100 * max(low - report.rate, report.rate - high, 0.0)
    cost += 2 * max(report.oracle_switches - ORACLE_SWITCHES, 0)
    cost += 4 * report.long_absences
    wanted = 0.75 * frames * len(tracks)
    cost += max(wanted - report.boxes, 0.0)
    for track, value in zip(tracks, mask_values(tracks), strict=True):
        if track.part.role == 'pass':
            seen = (masks == value).any(axis=(1, 2))
            cost += 3 * (bool(seen.all()) or not seen[0] or not seen[-1])
    return cost
