"""Configs of MMTracking, as the current stack reads them."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config


def spell_classes(cfg: Any) -> None:
    """Give every ``metainfo=dict(CLASSES=...)`` the key ``classes`` beside it.

    MMTracking's own data sets read the first; those of MMDetection that its configs
    name (``mmdet.CocoDataset`` in ByteTrack's) read the second since 3.0 and would
    silently look for the 80 classes of COCO.

    Args:
        cfg: A config or a part of one; changed in place.
    """
    if isinstance(cfg, Config):
        cfg = cfg._cfg_dict
    if isinstance(cfg, dict):
        meta = cfg.get('metainfo')
        if isinstance(meta, dict) and 'CLASSES' in meta and 'classes' not in meta:
            names = meta['CLASSES']
            meta['classes'] = (names,) if isinstance(names, str) else tuple(names)
        for value in cfg.values():
            spell_classes(value)
    elif isinstance(cfg, list | tuple):
        for value in cfg:
            spell_classes(value)
