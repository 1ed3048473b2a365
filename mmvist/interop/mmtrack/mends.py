"""What of mmtrack imports and then fails, mended in its own modules alone."""

from __future__ import annotations

import functools
import importlib
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmdet.structures.mask import BitmapMasks
from mmengine.logging import print_log
from mmengine.structures import InstanceData

from mmvist.evaluation.numpy_aliases import NumPyWithAliases

_ITEMS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')


def mend() -> None:
    """Mend the imported package; once, right after its import.

    - Its data sets say ``CLASSES``, where MMDetection's metrics and visualisers have
      read ``classes`` since 3.0: they read and say both.
    - ``YTVISeval`` calls ``np.float``, ``LoadTrackAnnotations`` ``np.bool``: their
      modules get a NumPy that has them.
    - ``YouTubeVISMetric`` fails where a model finds nothing at all, as at the start
      of training: every number is 0 then. And it fails at the second validation of
      a run, since it keeps a half-emptied record of the first.
    - ``TrackLocalVisualizer`` fails on the masks of the truth, and draws its boxes
      at the network's scale onto the frame as filmed: both are brought to the
      frame's pixels.
    """
    from mmtrack.datasets import BaseVideoDataset

    BaseVideoDataset._load_metainfo = classmethod(
        _with_classes(BaseVideoDataset._load_metainfo.__func__)
    )
    for name in ('evaluation.functional.ytviseval', 'datasets.transforms.loading'):
        importlib.import_module(f'mmtrack.{name}').np = NumPyWithAliases('numpy')
    from mmtrack.evaluation import YouTubeVISMetric
    from mmtrack.visualization import TrackLocalVisualizer

    YouTubeVISMetric.compute_metrics = _zero_without_predictions(
        YouTubeVISMetric.compute_metrics
    )
    YouTubeVISMetric.evaluate = _afresh(YouTubeVISMetric.evaluate)
    TrackLocalVisualizer.add_datasample = _truth_in_place(
        TrackLocalVisualizer.add_datasample
    )


def _with_classes(load: Callable) -> Callable:
    @functools.wraps(load)
    def load_metainfo(cls: type, metainfo: dict | None = None) -> dict:
        given = metainfo or {}
        if 'classes' in given and 'CLASSES' not in given:
            metainfo = dict(given, CLASSES=given['classes'])
        loaded = load(cls, metainfo)
        names = loaded.get('CLASSES')
        if names is not None:
            loaded['classes'] = (names,) if isinstance(names, str) else tuple(names)
        return loaded

    return load_metainfo


def _zero_without_predictions(compute: Callable) -> Callable:
    @functools.wraps(compute)
    def compute_metrics(self: Any, results: list) -> dict[str, float]:
        if self.format_only or any(predictions for predictions, _ in results):
            return compute(self, results)
        print_log(
            'YouTubeVISMetric: not a single instance was predicted',
            logger='current',
            level=logging.WARNING,
        )
        return {f'segm_{item}': 0.0 for item in self.metric_items or _ITEMS}

    return compute_metrics


def _afresh(evaluate: Callable) -> Callable:
    @functools.wraps(evaluate)
    def evaluate_afresh(self: Any, size: int) -> dict[str, float]:
        metrics = evaluate(self, size)
        self._vis_meta_info = defaultdict(list)
        self.per_video_res.clear()
        return metrics

    return evaluate_afresh


def _truth_in_place(add: Callable) -> Callable:
    @functools.wraps(add)
    def add_datasample(
        self: Any, name: str, image: np.ndarray, data_sample: Any = None, **kwargs: Any
    ) -> None:
        if data_sample is not None and 'gt_instances' in data_sample:
            data_sample = data_sample.clone()
            data_sample.gt_instances = _in_frame_pixels(
                data_sample.gt_instances.cpu(), data_sample.metainfo
            )
        return add(self, name, image, data_sample, **kwargs)

    return add_datasample


def _in_frame_pixels(truth: InstanceData, meta: dict) -> InstanceData:
    """Boxes and masks of the network's input, as they lie on the frame as filmed."""
    size = tuple(meta['ori_shape'][:2])
    fields = dict(truth.items())
    if 'bboxes' in fields:
        scale = fields['bboxes'].new_tensor(meta.get('scale_factor', (1.0, 1.0)))
        fields['bboxes'] = fields['bboxes'] / scale.repeat(2)
    if isinstance(fields.get('masks'), BitmapMasks):
        masks, (height, width) = fields['masks'], meta['img_shape'][:2]
        unpadded = BitmapMasks(masks.masks[:, :height, :width], height, width)
        fields['masks'] = torch.from_numpy(unpadded.resize(size).masks).bool()
    return InstanceData(**fields)
