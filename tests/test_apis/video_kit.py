"""A short video, and configs whose models see something in it without training."""

import inspect
from pathlib import Path

import numpy as np
from mmengine.config import Config

from mmvist.models.trackers import IoUHungarianTracker

CONFIGS = Path(__file__).parents[2] / 'configs'
OURS = CONFIGS / 'vae_vist' / 'vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
FLOOR = CONFIGS / 'baselines' / 'mask-rcnn-iou_r18-half_fpn_synthetic.py'
LENGTH, HEIGHT, WIDTH = 4, 75, 110  # of a size that has to be resized and padded


def make_frames() -> list[np.ndarray]:
    """Two squares that move over noise, BGR."""
    random = np.random.default_rng(0)
    ground = random.integers(0, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames = []
    for t in range(LENGTH):
        frame = ground.copy()
        frame[10:40, 5 + 4 * t : 35 + 4 * t] = (250, 120, 30)
        frame[40:70, 70 - 4 * t : 95 - 4 * t] = (20, 200, 240)
        frames.append(frame)
    return frames


def open_minded(path: Path) -> Config:
    """A config whose untrained model keeps what it is not sure of."""
    cfg = Config.fromfile(str(path))
    names = inspect.signature(IoUHungarianTracker).parameters
    cfg.model.tracker.update({n: 0.0 for n in names if n.endswith('score_thr')})
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=6)
    if 'augment_head' in cfg.model:
        cfg.model.augment_head.test_cfg.mask_thr_binary = 0.3
    return cfg
