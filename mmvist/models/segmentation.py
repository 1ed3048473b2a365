"""From RoI heads to masks in the pixels of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn


def segment(
    roi_head: nn.Module,
    features: Sequence[Tensor],  # (S, C, h_s, w_s), of S draws
    boxes: Tensor,  # (M, 4) xyxy, network pixels
    labels: Tensor,  # (M,)
    metainfo: dict,
) -> InstanceData:
    """Masks of boxes for their labels by the FCN mask head of ``roi_head``.

    The masks are those of the host's ``predict_mask``; beyond it they are told with
    their probabilities, and for the mean over some draws of z.

    Returns:
        In original pixels, ``bboxes`` (M, 4), ``mask_probs`` (M, H, W) in half
        precision, the mean over the draws, and ``masks`` (M, H, W) bool, where it
        reaches the threshold of ``roi_head``; of more than one draw also
        ``mask_variances`` (M, H, W) in half precision.
    """
    height, width = metainfo['ori_shape'][:2]
    scale = boxes.new_tensor(metainfo['scale_factor']).repeat(2).float()
    shape = (len(boxes), height, width)
    results = InstanceData(bboxes=boxes.float() / scale, labels=labels)
    results.masks = torch.zeros(shape, dtype=torch.bool, device=boxes.device)
    results.mask_probs = torch.zeros(shape, dtype=torch.half, device=boxes.device)
    spread = len(features[0]) > 1
    if spread:
        results.mask_variances = torch.zeros_like(results.mask_probs)
    if not len(boxes):
        return results
    threshold = roi_head.test_cfg.mask_thr_binary
    for row, probs in enumerate(_mask_probs(roi_head, features, boxes, labels)):
        # one instance at a time: S pictures of all would be large
        pasted, region = _do_paste_mask(
            probs, results.bboxes[row].expand(len(probs), 4), height, width
        )
        mean = pasted.mean(dim=0)
        results.masks[row][region] = mean >= threshold
        results.mask_probs[row][region] = mean.half()
        if spread:
            results.mask_variances[row][region] = pasted.var(dim=0).half()
    return results


def _mask_probs(
    roi_head: nn.Module,
    features: Sequence[Tensor],
    boxes: Tensor,
    labels: Tensor,
) -> Tensor:
    """Mask of each box for its label in each draw, (M, S, 1, h, w)."""
    draws = len(features[0])
    rois = bbox2roi([boxes] * draws).to(features[0].dtype)
    extractor = roi_head.mask_roi_extractor
    crops = extractor(features[: extractor.num_inputs], rois)
    if roi_head.with_shared_head:
        crops = roi_head.shared_head(crops)
    # the layout in which many small maps are convolved fastest
    crops = crops.contiguous(memory_format=torch.channels_last)
    logits = roi_head.mask_head(crops)
    logits = logits.reshape(draws, len(boxes), *logits.shape[1:])
    if roi_head.mask_head.class_agnostic:
        labels = torch.zeros_like(labels)
    rows = torch.arange(len(boxes), device=boxes.device)
    return logits[:, rows, labels].transpose(0, 1)[:, :, None].float().sigmoid()
