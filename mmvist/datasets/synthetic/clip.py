"""One clip: cast, ways, masks, the check, and only then the colours."""

from dataclasses import dataclass

import numpy as np

from mmvist.datasets.synthetic.check import FrameTruth, LinkReport, link_report
from mmvist.datasets.synthetic.draw import Draw
from mmvist.datasets.synthetic.motion import (
    Track,
    camera_path,
    draw_cast,
    draw_track,
)
from mmvist.datasets.synthetic.raster import blend, outline, paint, window_of
from mmvist.datasets.synthetic.scene import Scene, add_prop, draw_props, new_scene

# an instance with fewer visible pixels in a frame is not annotated there
MIN_PIXELS = 12


@dataclass
class Clip:
    """A finished clip.

    Attributes:
        frames: (T, H, W, 3) uint8, RGB.
        masks: (T, H, W) uint16, class * 1000 + instance, 0 background.
        report: How hard it is to link.
    """

    frames: np.ndarray
    masks: np.ndarray
    report: LinkReport


@dataclass
class _Plan:
    scene: Scene
    camera: list[float]
    tracks: list[Track]  # far to near
    ids: list[int]  # mask value of each track


def make_clip(
    seed: tuple[int, ...], frames: int = 24, width: int = 192, height: int = 128
) -> Clip:
    """Make a clip; the same arguments give the same arrays everywhere.

    Args:
        seed: Non-negative integers.
        frames: Number of frames T.
        width: W in pixels.
        height: H in pixels.
    """
    for attempt in range(400):
        draw = Draw(*seed, attempt)
        plan = _draw_plan(draw, frames, width, height)
        if plan is None:
            continue
        masks = np.stack(
            [_draw_mask(plan, t, height, width) for t in range(frames)]
        )
        report = link_report(truth_of(masks))
        if _fits(report, len(plan.tracks), frames):
            break
    else:
        raise RuntimeError(f'no clip of {frames} frames at {width} x {height} fits')
    pictures = np.stack([_draw_frame(plan, t, height, width) for t in range(frames)])
    return Clip(pictures, masks, report)


def _fits(report: LinkReport, actors: int, frames: int) -> bool:
    """Whether a clip is hard for plain linking and fair for good linking."""
    return (
        report.boxes >= 0.7 * actors * frames
        and 0.03 <= report.rate <= 0.13
        and report.oracle_switches <= 1
        and report.long_absences == 0
    )


def truth_of(masks: np.ndarray) -> list[FrameTruth]:
    """Classes and boxes of the instances in (T, H, W) ids."""
    truth: list[FrameTruth] = []
    for mask in masks:
        frame: FrameTruth = {}
        for value in np.unique(mask[mask > 0]).tolist():
            rows = np.flatnonzero((mask == value).any(axis=1))
            cols = np.flatnonzero((mask == value).any(axis=0))
            box = (cols[0], rows[0], cols[-1] + 1, rows[-1] + 1)
            frame[value] = value // 1000, tuple(float(v) for v in box)
        truth.append(frame)
    return truth


def _draw_plan(draw: Draw, frames: int, width: int, height: int) -> _Plan | None:
    camera = camera_path(draw, frames)
    reach = max(abs(x) for x in camera)
    cast = draw_cast(draw, height, width)
    tracks = []
    for part in cast:
        for _ in range(20):
            track = draw_track(draw, part, camera, width, burst_rate=0.22)
            if track is not None:
                break
        else:
            return None
        tracks.append(track)
    scene = new_scene(draw, height, width, reach)
    if draw.chance(0.5):
        add_prop(draw, scene, draw.uniform(0.15, 0.85) * width)
    tracks.sort(key=lambda track: track.depth)
    counts = {1: 0, 2: 0}
    ids = []
    for track in tracks:
        category = track.actor.category
        counts[category] += 1
        ids.append(1000 * category + counts[category])
    return _Plan(scene, camera, tracks, ids)


def _draw_mask(plan: _Plan, t: int, height: int, width: int) -> np.ndarray:
    """(H, W) uint16 ids of the visible pixels."""
    mask = np.zeros((height, width), dtype=np.uint16)
    for track, value in zip(plan.tracks, plan.ids, strict=True):
        pose = track.poses[t]
        found = window_of(track.actor.extent(pose), height, width)
        if found is not None:
            window, x, y = found
            mask[window][outline(track.actor.parts(pose), x, y) <= 0] = value
    for parts, extent in plan.scene.prop_parts(plan.camera[t], height):
        found = window_of(extent, height, width)
        if found is not None:
            window, x, y = found
            mask[window][outline(parts, x, y) <= 0] = 0
    for value in plan.ids:
        mine = mask == value
        if np.count_nonzero(mine) < MIN_PIXELS:
            mask[mine] = 0
    return mask


def _draw_frame(plan: _Plan, t: int, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    frame = plan.scene.backdrop(plan.camera[t], width)
    for track in plan.tracks:
        pose = track.poses[t]
        found = window_of(track.actor.extent(pose), height, width)
        if found is not None:
            window, x, y = found
            origin = pose.x, pose.y
            cover, colour = paint(
                track.actor.parts(pose), x, y, track.actor.grain, origin
            )
            blend(frame, window, cover, colour)
    draw_props(frame, plan.scene, plan.camera[t])
    return (np.minimum(np.maximum(frame, 0), 1) * 255 + 0.5).astype(np.uint8)
