"""Two-stage detectors, such as Mask R-CNN."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from mmdet.models.detectors import TwoStageDetector
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from .base import FrameDetector, strides_of


class TwoStage(FrameDetector):
    """RPN boxes are the proposals, those of the box head the detections."""

    HOST = TwoStageDetector

    def __init__(self, detector: TwoStageDetector) -> None:
        super().__init__(detector)
        heads = detector.roi_head
        self.strides = strides_of(detector.rpn_head)
        self.class_counts = [heads.bbox_head.num_classes]
        if heads.with_mask:
            self.class_counts.append(heads.mask_head.num_classes)
        self.roi_head = heads if heads.with_mask else None

    def loss(
        self, features: Sequence[Tensor], data_samples: SampleList
    ) -> tuple[dict[str, Tensor], list[InstanceData]]:
        """Losses of RPN and RoI heads, and the RPN's boxes."""
        detector = self.detector
        proposal_cfg = detector.train_cfg.get('rpn_proposal', detector.test_cfg.rpn)
        class_free = copy.deepcopy(data_samples)
        for sample in class_free:
            sample.gt_instances.labels = torch.zeros_like(sample.gt_instances.labels)
        rpn_losses, proposals = detector.rpn_head.loss_and_predict(
            features, class_free, proposal_cfg=proposal_cfg
        )
        losses = {
            key if 'rpn' in key else f'rpn_{key}': value
            for key, value in rpn_losses.items()
        }
        # The RoI head renames the boxes of what it is given.
        given = [InstanceData(bboxes=result.bboxes) for result in proposals]
        losses.update(detector.roi_head.loss(features, given, data_samples))
        return losses, proposals

    @torch.no_grad()
    def detect(
        self,
        features: Sequence[Tensor],
        metainfo: Sequence[dict],
        proposals: list[InstanceData] | None = None,
        score_thr: float | None = None,
    ) -> list[InstanceData]:
        """The RPN's boxes as the box head refines them."""
        detector = self.detector
        if proposals is None:
            outs = detector.rpn_head(features)
            proposals = detector.rpn_head.predict_by_feat(
                *outs, batch_img_metas=list(metainfo), rescale=False
            )
        # As many as in testing; the RPN's training config gives more.
        limit = detector.test_cfg.rpn.max_per_img
        proposals = [one[:limit] for one in proposals]
        rcnn_test_cfg = detector.roi_head.test_cfg
        if score_thr is not None:
            rcnn_test_cfg = copy.deepcopy(rcnn_test_cfg)
            rcnn_test_cfg.score_thr = score_thr
        return detector.roi_head.predict_bbox(
            features, list(metainfo), proposals, rcnn_test_cfg, rescale=False
        )
