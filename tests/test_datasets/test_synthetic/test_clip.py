"""Single clips: what covers what, other sizes, and steps that can be followed."""

import numpy as np
import pytest

from mmvist.datasets import DataError
from mmvist.datasets.synthetic import digest, make_clip
from mmvist.datasets.synthetic.draw import Draw
from mmvist.datasets.synthetic.motion import (
    MAX_SHIFT,
    ROLES,
    Part,
    camera_path,
    draw_track,
)
from mmvist.datasets.synthetic.plan import make_plan, mask_values

SIZE = (128, 192)


def test_nearer_actors_and_props_cover_farther_ones() -> None:
    covered = 0
    for seed in range(4):
        plan = make_plan(Draw(1, seed), 24, SIZE)
        values = mask_values(plan.tracks)
        depths = [track.part.ground for track in plan.tracks]
        assert depths == sorted(depths)
        for t, mask in enumerate(plan.masks):
            taken = np.zeros(SIZE, dtype=bool)
            for track, value in reversed(list(zip(plan.tracks, values, strict=True))):
                window, inside = track.shapes[t].crop(*SIZE)
                free = inside & ~taken[window]
                mine = mask[window] == value
                assert not (mine & ~free).any()
                if not plan.props and free.sum() >= 12:
                    np.testing.assert_array_equal(mine, free)
                covered += int((inside & taken[window]).sum())
                taken[window] |= inside
    assert covered > 1000


@pytest.mark.parametrize('category', [1, 2])
@pytest.mark.parametrize('role', ROLES)
def test_no_step_is_too_long_to_follow(category: int, role: str) -> None:
    draw, part = Draw(2), Part(category, 48.0, 100.0, 0, role)
    camera = [0.5 * t for t in range(24)]
    tracks = [draw_track(draw, part, camera, SIZE, 96.0) for _ in range(40)]
    tracks = [track for track in tracks if track is not None]
    assert len(tracks) >= 4
    steps = []
    for track in tracks:
        for t in range(1, 24):
            step = abs(track.poses[t].x - track.poses[t - 1].x)
            steps.append(step / track.shapes[t - 1].width)
    assert max(steps) <= MAX_SHIFT
    if role == 'stay':
        assert np.quantile(steps, 0.95) > 1 / 3


@pytest.mark.parametrize('role', ROLES)
def test_a_clip_may_be_long(role: str) -> None:
    draw, frames = Draw(7), 300
    part = Part(2 if role == 'pass' else 1, 48.0, 100.0, 0, role)
    tracks = (
        draw_track(draw, part, camera_path(draw, frames), SIZE, 96.0)
        for _ in range(100)
    )
    track = next(one for one in tracks if one is not None)
    assert len(track.poses) == frames


def test_no_room_is_told_in_a_line() -> None:
    with pytest.raises(DataError, match='no way found .* 24 frames of 12x64'):
        make_plan(Draw(0), 24, (64, 12))


def test_actors_of_a_class_look_alike() -> None:
    alike = 0
    for seed in range(12):
        tracks = make_plan(Draw(3, seed), 2, SIZE).tracks
        for category in (1, 2):
            colours = np.array(
                [t.actor.colours[0] for t in tracks if t.part.category == category]
            )
            alike += len(colours) > 1 and np.ptp(colours, axis=0).max() < 0.2
    assert alike >= 8


@pytest.mark.parametrize(
    ('frames', 'width', 'height'), [(1, 64, 64), (6, 96, 64), (24, 64, 128)]
)
def test_other_lengths_and_sizes(frames: int, width: int, height: int) -> None:
    clip = make_clip((5, 0, 0), frames, width, height)
    assert clip.frames.shape == (frames, height, width, 3)
    assert clip.masks.shape == (frames, height, width)
    assert clip.masks.any()
    assert clip.report.oracle_rate <= 0.03


def test_seed_changes_everything() -> None:
    clips = [make_clip((seed, 0, 0), 4, 96, 64) for seed in (0, 1, 0)]
    first, other, again = (digest([clip]) for clip in clips)
    assert first == again != other
