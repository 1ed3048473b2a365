"""Configs of the hosts, made small enough to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import Config
from mmengine.registry import DefaultScope

SIDE = 96
"""Of every picture, in pixels."""


@contextmanager
def kept_scope() -> Iterator[None]:
    """A runner leaves the default scope of its config behind; not so here."""
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


def narrow(cfg: Config) -> None:
    """Reduce the sizes of a host's config, and load nothing; no more than that."""
    shrink(cfg._cfg_dict)
    for loader in (
        cfg.train_dataloader,
        cfg.get('val_dataloader'),
        cfg.test_dataloader,
    ):
        if loader:
            loader.num_workers, loader.persistent_workers = 0, False
    detector = cfg.model.get('detector', cfg.model)
    detector.init_cfg = None
    if detector.type == 'YOLOX':
        detector.backbone.update(deepen_factor=0.33, widen_factor=0.125)
        detector.neck.update(in_channels=[32, 64, 128], out_channels=32)
        detector.neck.num_csp_blocks = 1
        detector.bbox_head.update(in_channels=32, feat_channels=32)
        cfg.model.data_preprocessor.batch_augments[0].random_size_range = (64, 128)
        detector.test_cfg.score_thr = 0.0
    else:
        detector.backbone.update(depth=18, stem_channels=16, base_channels=16)
        detector.backbone.init_cfg = None
        detector.neck.in_channels = [16, 32, 64, 128]
        # a thousand RoIs through the host's heads would take most of the time
        detector.train_cfg.rcnn.sampler.num = 32
        detector.test_cfg.rpn.max_per_img = 100
        detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)


def shrink(cfg: object) -> None:
    """Every size of a picture becomes ``SIDE``."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key in ('scale', 'img_scale', 'crop_size'):
                cfg[key] = (SIDE, SIDE)
            elif key == 'border':
                cfg[key] = (-SIDE // 2, -SIDE // 2)
            else:
                shrink(value)
    elif isinstance(cfg, list | tuple):
        for value in cfg:
            shrink(value)
