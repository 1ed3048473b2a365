"""One clip: a plan first, and only then the colours."""

from dataclasses import dataclass

import numpy as np

from mmvist.datasets.synthetic.actors import CAR
from mmvist.datasets.synthetic.check import LinkReport
from mmvist.datasets.synthetic.draw import Draw, noise
from mmvist.datasets.synthetic.motion import Track
from mmvist.datasets.synthetic.plan import Plan, make_plan, mask_values
from mmvist.datasets.synthetic.raster import draw_object, grid_of
from mmvist.datasets.synthetic.scene import Scene, new_scene


@dataclass
class Clip:
    """A finished clip.

    Attributes:
        frames: (T, H, W, 3) uint8, RGB.
        masks: (T, H, W) uint16, class * 1000 + instance, 0 background.
        hidden: Of each frame the actors by class * 1000 + instance, with the fraction
            of each that lies behind others or outside of the frame, 0 to 1.
        report: How hard it is to link.
    """

    frames: np.ndarray
    masks: np.ndarray
    hidden: list[dict[int, float]]
    report: LinkReport


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
    plan = make_plan(Draw(*seed, 0), frames, (height, width))
    draw = Draw(*seed, 1)
    reach = max(abs(x) for x in plan.camera)
    scene = new_scene(draw, height, width, reach)
    grain = noise(draw, 32, 32, 5, 3)
    pictures = [_draw_frame(plan, scene, grain, t) for t in range(frames)]
    hidden = [_hidden(plan, t) for t in range(frames)]
    return Clip(np.stack(pictures), plan.masks, hidden, plan.report)


def _hidden(plan: Plan, t: int) -> dict[int, float]:
    """Of each actor the fraction that cannot be seen."""
    seen = np.bincount(plan.masks[t].ravel(), minlength=1 << 16)
    return {
        value: 1.0 - float(seen[value]) / int(np.count_nonzero(track.shapes[t].inside))
        for track, value in zip(plan.tracks, mask_values(plan.tracks), strict=True)
    }


def _draw_frame(plan: Plan, scene: Scene, grain: np.ndarray, t: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    camera = plan.camera[t]
    frame = scene.backdrop(camera, plan.size[1])
    for track in plan.tracks:
        _draw_shadow(frame, track, t)
        pose, actor = track.poses[t], track.actor
        draw_object(
            frame,
            actor.parts(pose),
            actor.extent(pose),
            actor.grain,
            (pose.x, pose.y),
        )
    for prop in plan.props:
        extent = prop.extent(camera)
        draw_object(frame, prop.parts(camera), extent, grain, extent[:2])
    return (np.minimum(np.maximum(frame, 0), 1) * 255 + 0.5).astype(np.uint8)


def _draw_shadow(frame: np.ndarray, track: Track, t: int) -> None:
    """Darken the ground under an actor; a shadow is no part of its mask."""
    height, width = frame.shape[:2]
    pose, ground = track.poses[t], track.part.ground
    rx = (0.52 if track.part.category == CAR else 0.20) * track.part.size * pose.width
    ry = 0.07 * track.part.size
    x, y = grid_of((pose.x - rx, ground - ry, pose.x + rx, ground + ry))
    x, y = x[:, (x[0] > 0) & (x[0] < width)], y[(y[:, 0] > 0) & (y[:, 0] < height)]
    if not x.size or not y.size:
        return
    px, py = (x - pose.x) / rx, (y - ground) / ry
    dark = 0.45 * np.maximum(1 - px * px - py * py, 0)
    left, top = int(x[0, 0] // 1), int(y[0, 0] // 1)
    under = frame[top : top + y.shape[0], left : left + x.shape[1]]
    under[...] = under * (1 - dark)[..., None]
