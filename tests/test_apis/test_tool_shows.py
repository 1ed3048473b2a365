"""``tools/track_video.py`` with a model that sees something."""

import json
from pathlib import Path

import cv2
import pytest
import torch
from tool_kit import tool
from video_kit import LENGTH, OURS, make_frames, open_minded

from mmvist.apis import VISTInferencer


def test_what_is_tracked_is_drawn_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """The numbers of the inferencer, frame by frame."""
    source, shown, told = (tmp_path / name for name in ('in', 'out', 'told.jsonl'))
    source.mkdir()
    for t, frame in enumerate(make_frames()):
        cv2.imwrite(str(source / f'{t:06}.png'), frame)
    config, weights = tmp_path / 'config.py', tmp_path / 'weights.pth'
    open_minded(OURS).dump(str(config))
    torch.manual_seed(0)
    model = VISTInferencer(str(config), device='cpu').model
    torch.save(dict(state_dict=model.state_dict(), meta={}), weights)
    words = source, shown, '--save-json', told, '--scale', 1, '--device', 'cpu'
    words = *words, '--config', config, '--checkpoint', weights
    tool('track_video').main([str(word) for word in words])
    expected = list(VISTInferencer(str(config), str(weights), 'cpu')(str(source)))
    assert len(expected) == LENGTH
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    identities = [[one['instance_id'] for one in line['instances']] for line in lines]
    assert identities == [one.instances.instances_id.tolist() for one in expected]
    assert all(identities)
    every = {one for frame in identities for one in frame}
    assert f'{LENGTH} frames, {len(every)} identities' in capsys.readouterr().out
    for t, one in enumerate(expected):
        drawn = cv2.imread(str(shown / f'{t:06}.png'))
        changed = (drawn != one.image).any(axis=2)
        masks = one.instances.masks.any(dim=0).numpy()
        assert changed[masks].mean() > 0.9, 'masks are painted'
