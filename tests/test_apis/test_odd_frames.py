"""Frames that nobody films: they are tracked, or refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from tiny_vist import DEMO, SHOWS_ALL, tiny_config

from mmvist.apis import VISTInferencer
from mmvist.engine.errors import UserError


@pytest.fixture(scope='module')
def inferencer() -> VISTInferencer:
    cfg = Config.fromfile(DEMO)
    cfg.model = tiny_config(tracker=SHOWS_ALL)
    torch.manual_seed(0)
    return VISTInferencer(cfg, device='cpu')


def noise(*shape: int, kind: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(kind).max, shape, dtype=kind)


@pytest.mark.parametrize(
    'frame',
    [
        noise(1, 1, 3),
        noise(2, 3, 3),
        noise(300, 3, 3),
        np.zeros((60, 90, 3), np.uint8),
        np.full((60, 90, 3), 255, np.uint8),
    ],
    ids=['one pixel', 'six pixels', 'narrow', 'black', 'white'],
)
def test_tracked(inferencer: VISTInferencer, frame: np.ndarray) -> None:
    results = list(inferencer([frame] * 3))
    assert len(results) == 3
    for result in results:
        found = result.instances
        assert found.masks.shape[1:] == frame.shape[:2]
        assert found.masks.sum(dim=0).max() <= 1 if len(found) else True
        assert found.bboxes.isfinite().all() and found.scores.isfinite().all()
        assert len(found.instances_id.unique()) == len(found)


@pytest.mark.parametrize(
    ('frames', 'message'),
    [
        ([noise(1, 5000, 3)], r'frame 0 is 5000 x 1, which the test pipeline cannot'),
        ([noise(5000, 1, 3)], r'frame 0 is 1 x 5000, which the test pipeline cannot'),
        ([noise(0, 9, 3)], r'frame 0 is no \(H, W, 3\) uint8 array'),
        ([noise(60, 90)], r'frame 0 is no \(H, W, 3\) uint8 array'),
        ([noise(60, 90, 1)], r'frame 0 is no \(H, W, 3\) uint8 array'),
        ([noise(60, 90, 4)], r'frame 0 is no \(H, W, 3\) uint8 array'),
        ([noise(60, 90, 3, kind=np.uint16)], r'frame 0 is no \(H, W, 3\) uint8 array'),
        ([noise(60, 90, 3), noise(90, 60, 3)], 'frame 1 is 60 x 90, the first one 90'),
        ([noise(60, 90, 3), noise(120, 180, 3)], 'frame 1 is 180 x 120, the first'),
    ],
    ids=[
        '1 x 5000',
        '5000 x 1',
        'empty',
        'grey',
        'grey with an axis',
        'four channels',
        '16 bits',
        'turned',
        'another resolution',
    ],
)
def test_refused_in_one_line(
    inferencer: VISTInferencer, frames: list[np.ndarray], message: str
) -> None:
    with pytest.raises(UserError, match=message) as error:
        list(inferencer(frames))
    assert '\n' not in str(error.value)
    # and the next video is as if nothing had been
    assert len(list(inferencer([noise(60, 90, 3)] * 2))) == 2


@pytest.mark.parametrize('count', [0, 1000])
def test_any_number_of_detections(
    inferencer: VISTInferencer, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=generator) * torch.tensor([150.0, 90.0])
    found = InstanceData(
        bboxes=torch.cat([corners, corners + 12], dim=1),
        scores=torch.rand(count, generator=generator),
        labels=torch.randint(0, 2, (count,), generator=generator),
    )
    monkeypatch.setattr(
        inferencer.model.frame_detector, 'detect', lambda *_: [found.clone()]
    )
    results = list(inferencer([noise(60, 90, 3)] * 3))
    for result in results:
        ids = result.instances.instances_id
        assert len(ids.unique()) == len(ids) and (len(ids) > 0) == (count > 0)
        assert result.instances.masks.sum(dim=0).max() <= 1 if len(ids) else True
