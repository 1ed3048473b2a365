"""The two-stage detector of MMDetection as the model uses it.

Features are extracted once and shared with the augment branch, hence neither
``detector.loss`` nor ``detector.predict`` of the host, which extract their own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn


def detector_loss(
    detector: nn.Module,
    features: Sequence[Tensor],  # FPN maps
    data_samples: SampleList,
) -> tuple[dict[str, Tensor], list[InstanceData]]:
    """Losses of RPN and RoI heads, and the RPN's proposals (no gradient)."""
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
    detector: nn.Module,
    features: Sequence[Tensor],  # FPN maps of N frames
    metainfo: Sequence[dict],
    proposals: list[InstanceData] | None = None,
    score_thr: float | None = None,
) -> list[InstanceData]:
    """The detector's refined boxes without masks, network pixels.

    Args:
        detector: A two-stage detector.
        features: Its FPN maps.
        metainfo: ``img_shape``, ``scale_factor``, ... of each frame.
        proposals: Those of the RPN, if it has run already.
        score_thr: Replaces the threshold of the test config.

    Returns:
        N times ``bboxes`` (M, 4), ``scores`` (M,) and ``labels`` (M,).
    """
    if proposals is None:
        outs = detector.rpn_head(features)
        proposals = detector.rpn_head.predict_by_feat(
            *outs, batch_img_metas=list(metainfo), rescale=False
        )
    rcnn_test_cfg = detector.roi_head.test_cfg
    if score_thr is not None:
        rcnn_test_cfg = copy.deepcopy(rcnn_test_cfg)
        rcnn_test_cfg.score_thr = score_thr
    return detector.roi_head.predict_bbox(
        features, list(metainfo), proposals, rcnn_test_cfg, rescale=False
    )
