"""Single-stage detectors, such as RTMDet-Ins."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from mmdet.models.dense_heads import RTMDetInsHead
from mmdet.models.detectors import SingleStageDetector
from mmdet.models.utils import unpack_gt_instances
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from .base import FrameDetector, strides_of

_TRAIN_NMS_PRE = 1000
"""Boxes of a map that go through the NMS in training; a config may say 30,000."""


class SingleStage(FrameDetector):
    """The head's boxes are proposals and, from a score on, detections."""

    HOST = SingleStageDetector

    def __init__(self, detector: SingleStageDetector) -> None:
        super().__init__(detector)
        self.strides = strides_of(detector.bbox_head)
        self.class_counts = [detector.bbox_head.num_classes]
        self.roi_head = None

    def loss(
        self, features: Sequence[Tensor], data_samples: SampleList
    ) -> tuple[dict[str, Tensor], list[InstanceData]]:
        """Losses of the head, and its boxes whatever their score."""
        head = self.detector.bbox_head
        outs = head(features)
        truth, ignored, metainfo = unpack_gt_instances(data_samples)
        # Heads with masks replace those of the truth by tensors.
        truth = [one.new() for one in truth]
        losses = head.loss_by_feat(*outs, truth, metainfo, ignored)
        nms_pre = min(head.test_cfg.get('nms_pre', _TRAIN_NMS_PRE), _TRAIN_NMS_PRE)
        return losses, self._boxes(outs, metainfo, score_thr=0.0, nms_pre=nms_pre)

    @torch.no_grad()
    def detect(
        self,
        features: Sequence[Tensor],
        metainfo: Sequence[dict],
        proposals: list[InstanceData] | None = None,
        score_thr: float | None = None,
    ) -> list[InstanceData]:
        """The head's boxes above the threshold."""
        head = self.detector.bbox_head
        if score_thr is None:
            score_thr = head.test_cfg.get('score_thr', 0.0)
        if proposals is None:
            return self._boxes(head(features), metainfo, score_thr=score_thr)
        return [one[one.scores > score_thr] for one in proposals]

    @torch.no_grad()
    def _boxes(
        self, outs: tuple, metainfo: Sequence[dict], **changes: float
    ) -> list[InstanceData]:
        head = self.detector.bbox_head
        cfg = copy.deepcopy(head.test_cfg)
        cfg.update(changes)
        if isinstance(head, RTMDetInsHead):
            # It cannot leave masks out. Of one cell they cost nothing; the last
            # output is the map that they are made of.
            outs = (*outs[:-1], outs[-1][..., :1, :1])
        results = head.predict_by_feat(
            *outs, batch_img_metas=list(metainfo), cfg=cfg, rescale=False
        )
        return [
            InstanceData(bboxes=one.bboxes, scores=one.scores, labels=one.labels)
            for one in results
        ]
