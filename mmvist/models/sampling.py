"""What S draws of z say together: means, and how far the draws are apart."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from .augment import AugmentHead
from .roi_reach import Reach


def variance(draws: Tensor) -> Tensor:
    """Unbiased variance over the first axis; 0 of a single draw."""
    if len(draws) < 2 or not draws.numel():
        return torch.zeros_like(draws[0])
    return draws.var(dim=0)


def of_known(
    variances: Tensor,  # (T, 4) of the propagated boxes, square network pixels
    track_rows: Tensor,  # (M,) long, -1: new
    scale_factor: tuple[float, float],
) -> Tensor:
    """Those of the instances, (M, 4) square original pixels, NaN of new ones."""
    scale = variances.new_tensor(scale_factor).repeat(2)
    found = variances.new_full((len(track_rows), 4), float('nan'))
    known = track_rows >= 0
    found[known] = variances[track_rows[known]] / scale.square()
    return found


class AugmentMaps:
    """The maps of D_aug for some draws of z, decoded no farther than RoIs reach.

    Of one z they are decoded whole, once.

    Args:
        head: D_aug.
        z: (S, L, h, w).
        skips: E_s of the frame, s = 4, 8, 16, 32.
        features: x^Mask_s of the frame.
    """

    def __init__(
        self,
        head: AugmentHead,
        z: Tensor,
        skips: Sequence[Tensor],
        features: Sequence[Tensor],
    ) -> None:
        self._head, self._skips = head, skips
        self._decode = partial(head, z, skips, features)
        self._whole = len(z) == 1
        self._maps: tuple[Tensor, ...] | None = None
        self._reach: Reach | None = None

    def around(
        self,
        boxes: Tensor,  # (M, 4) xyxy, network pixels
    ) -> tuple[Tensor, ...]:
        """Maps (S, C, h_s, w_s) that are right for RoIs of these boxes."""
        if self._whole:
            self._maps = self._maps or self._decode()
            return self._maps
        reach = self._head.reach_of(boxes, self._skips)
        if self._maps is None or not self._reach.covers(reach):
            size = tuple(self._skips[0].shape[-2:])
            self._reach = reach.rounded(size)
            self._maps = self._decode(self._reach)
        return self._maps


def segment_draws(
    roi_head: nn.Module,
    features: Sequence[Tensor],  # (S, C, h_s, w_s), of S draws
    boxes: Tensor,  # (M, 4) xyxy, network pixels
    labels: Tensor,  # (M,)
    metainfo: dict,
) -> InstanceData:
    """:func:`~mmvist.models.augment.segment` of the mean over some draws.

    Returns:
        In original pixels, ``bboxes`` (M, 4), ``masks`` (M, H, W) bool, where the
        mean probability reaches the threshold of ``roi_head``, ``mask_probs``
        (M, H, W), that mean, and ``mask_variances`` (M, H, W), the variance over
        the draws; the last two in half precision.
    """
    height, width = metainfo['ori_shape'][:2]
    scale = boxes.new_tensor(metainfo['scale_factor']).repeat(2).float()
    shape = (len(boxes), height, width)
    results = InstanceData(bboxes=boxes.float() / scale, labels=labels)
    results.masks = torch.zeros(shape, dtype=torch.bool, device=boxes.device)
    results.mask_probs = torch.zeros(shape, dtype=torch.half, device=boxes.device)
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
        results.mask_variances[row][region] = variance(pasted).half()
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
