"""A stream may be as long as it likes: what was seen is let go."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.config import Config
from tiny_vist import tiny_config
from video_kit import OURS
from ytvis_kit import SHOWS_ALL

from mmvist.apis import VISTInferencer

LENGTH = 150
WATCHED = (40, LENGTH - 1)
"""Frames after which the tensors alive are counted."""


def tiny_inferencer() -> VISTInferencer:
    """Of a model that shows instances although untrained, at 96 x 64."""
    cfg = Config.fromfile(str(OURS))
    cfg.model = tiny_config(tracker=SHOWS_ALL)
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=3)
    cfg.model.detector.test_cfg.rpn.update(max_per_img=8)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline[0].transforms[1].scale = (96, 64)
    return VISTInferencer(cfg, device='cpu')


def tensors_alive() -> int:
    """Numbers in all tensors that anything still holds."""
    gc.collect()
    return sum(one.numel() for one in gc.get_objects() if type(one) is torch.Tensor)


def test_long_streams_leave_nothing_behind() -> None:
    """No frame, no result and no tensor outlives the frames right after it."""
    inferencer = tiny_inferencer()
    ground = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    frames: list[weakref.ref] = []
    results: list[weakref.ref] = []
    alive: list[int] = []
    seen = 0

    def camera() -> Iterator[np.ndarray]:
        for t in range(LENGTH):
            frame = np.roll(ground, 3 * t, axis=1)
            frames.append(weakref.ref(frame))
            yield frame

    for result in inferencer(camera()):
        results.append(weakref.ref(result.instances.masks))
        seen += len(result.instances)
        assert sum(ref() is not None for ref in frames[-6:]) <= 2
        if result.frame_id in WATCHED:
            alive.append(tensors_alive())
    del result
    gc.collect()
    assert len(frames) == LENGTH and seen >= LENGTH, 'a test of nothing'
    assert not any(ref() is not None for ref in frames + results)
    # the number of tracks may differ by a few; a frame kept would be 18,432 a frame
    assert alive[1] - alive[0] < 18432 * 10
