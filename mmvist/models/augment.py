"""D_aug: class, box and mask of every candidate (paper, section 3.3.3).

The heads behind the RoIs are MMDetection's own (a ``StandardRoIHead`` with a
box head and an FCN mask head); what is of this method is the feature map that
they read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox2roi
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.registry import MODELS

from .any_layout import read_any_layout
from .detail_roi_extractor import detail_heads
from .layers import FEATURE_STRIDES, SkipDecoder
from .roi_reach import Reach, levels_of, reach_of
from .shortcut_roi_extractor import check_shortcut, shortcut_heads


@dataclass
class Refined:
    """What RoI heads say of M candidate boxes of one frame.

    Attributes:
        probs: Class probabilities without background, (M, C).
        boxes: Refined box for each class, (M, C, 4) xyxy, network pixels.
    """

    probs: Tensor
    boxes: Tensor

    def __getitem__(self, rows: Tensor) -> Refined:
        return Refined(self.probs[rows], self.boxes[rows])

    @staticmethod
    def mean(said: Sequence[Refined]) -> Refined:
        """What some heads say of the same boxes, averaged."""
        if len(said) == 1:
            return said[0]
        return Refined(
            torch.stack([one.probs for one in said]).mean(0),
            torch.stack([one.boxes for one in said]).mean(0),
        )

    def of_labels(self, labels: Tensor) -> Tensor:
        """The box of each candidate for its label, (M, 4)."""
        return self.boxes[torch.arange(len(labels), device=labels.device), labels]


def refine(
    roi_head: nn.Module,
    features: Sequence[Tensor],  # of AugmentHead or a neck; the first are of S draws
    rois: Tensor,  # (M, 4) xyxy, network pixels
    img_shape: tuple[int, int],
) -> Refined:
    """Classify and regress candidates by the box head of ``roi_head``.

    Probabilities and boxes are means over the draws. Unlike the host's
    ``predict_bbox`` there is no score threshold and no NMS: each candidate has an
    identity, and keeps its row.
    """
    bbox_head = roi_head.bbox_head
    if len(rois) == 0:
        classes = bbox_head.num_classes
        return Refined(rois.new_zeros(0, classes), rois.new_zeros(0, classes, 4))
    draws = len(features[0])
    indexed = bbox2roi([rois] * draws).to(features[0].dtype)
    result = roi_head._bbox_forward(features, indexed)
    probs = result['cls_score'].float().softmax(dim=-1)[:, :-1]
    num_classes = probs.shape[1]
    deltas = result['bbox_pred'].float().view(draws * len(rois), -1, 4)
    if deltas.shape[1] == 1:
        deltas = deltas.expand(-1, num_classes, -1)
    anchors = rois.float()[:, None].expand(-1, num_classes, -1).repeat(draws, 1, 1)
    boxes = bbox_head.bbox_coder.decode(
        anchors.reshape(-1, 4), deltas.reshape(-1, 4), max_shape=tuple(img_shape)
    )
    return Refined(
        probs.view(draws, len(rois), num_classes).mean(0),
        boxes.view(draws, len(rois), num_classes, 4).mean(0),
    )


@MODELS.register_module()
class AugmentHead(BaseModule):
    """z, x^Aug and the candidate boxes to class, box and mask of each.

    1. x^Aug_s = E_s (+) x^Mask_s at strides 4, 8, 16, 32 (eq. (4)), without
       x^Mask_s where the detector has no map of that stride;
    2. :class:`SkipDecoder` from z with x^Aug as skips;
    3. RoIAlign, class and box head, RoIAlign at the refined box, FCN mask
       head: ``roi_head``.

    Args:
        latent_channels: Channels L of z.
        skip_channels: Channels of E_s at strides 4, 8, 16, 32.
        mask_channels: Channels of x^Mask_s (the detector's neck).
        mask_strides: Strides s at which there is an x^Mask_s, the first ones of
            the neck. Where a neck begins at 8 (RTMDet, RetinaNet), x^Aug_4 is
            E_4 alone.
        widths: Channels of the decoder at those strides.
        out_channels: Channels of what the heads read.
        roi_head: Config of a ``StandardRoIHead`` with mask head.
        train_cfg: ``assigner``, ``sampler``, ``mask_size``, ... of the head.
        test_cfg: ``mask_thr_binary`` of the head.
        loss_weight: Factor on the losses of the branch.
        skip_kernel: Of :class:`SkipDecoder`.
        with_skip: False drops E_s and keeps x^Mask (ablation (a)).
        with_shortcut: The heads read x^Mask_s and what the decoder says is to change
            in it, see :class:`ShortcutRoIExtractor`; it may then be narrow, with
            ``widths`` all the same. Not in the paper.
        with_detail: The mask head reads the frame itself, too, for the edges of masks,
            see :class:`DetailRoIExtractor`, with or without E_s. Not in the paper.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: ``mask_strides`` are not among 4, 8, 16, 32, in this order; or, with
            a shortcut, not all of them, of unlike ``widths``, with other channels than
            ``out_channels``, or with another RoI extractor than the host's of these
            strides and channels; or, with detail, the mask head has no RoI
            extractor of its own, or another one than the host's with RoIAlign of the
            strides 4, 8, 16, 32.
    """

    def __init__(
        self,
        roi_head: dict,
        train_cfg: dict,
        test_cfg: dict,
        latent_channels: int = 32,
        skip_channels: Sequence[int] = (128, 256, 256, 256),
        mask_channels: int = 256,
        mask_strides: Sequence[int] = FEATURE_STRIDES,
        widths: Sequence[int] = (256, 256, 256, 256),
        out_channels: int = 256,
        loss_weight: float = 1.0,
        skip_kernel: int = 3,
        with_skip: bool = True,
        with_shortcut: bool = False,
        with_detail: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.mask_strides = tuple(mask_strides)
        if self.mask_strides != tuple(s for s in FEATURE_STRIDES if s in mask_strides):
            raise ValueError(
                f'mask_strides are some of {FEATURE_STRIDES}, in this order, got '
                f'{self.mask_strides}'
            )
        if with_shortcut:
            check_shortcut(self.mask_strides, widths, mask_channels, out_channels)
            roi_head = shortcut_heads(roi_head, widths[0], out_channels)
        if with_detail:
            roi_head = detail_heads(roi_head)
        self.with_skip = with_skip
        self.with_shortcut = with_shortcut
        self.with_detail = with_detail
        self.loss_weight = loss_weight
        skips = skip_channels if with_skip else (0,) * len(FEATURE_STRIDES)
        self.decoder = SkipDecoder(
            latent_channels,
            [
                skip + (mask_channels if stride in self.mask_strides else 0)
                for skip, stride in zip(skips, FEATURE_STRIDES)
            ],
            widths,
            None if with_shortcut else out_channels,
            skip_kernel,
        )
        self.roi_head = MODELS.build(
            dict(roi_head, train_cfg=train_cfg, test_cfg=test_cfg)
        )
        read_any_layout(self.roi_head)

    def forward(
        self,
        z: Tensor,  # (N, L, h, w)
        skips: Sequence[Tensor],  # E_s, s = 4, 8, 16, 32, (N or 1, ...)
        mask_features: Sequence[Tensor],  # x^Mask_s, s = mask_strides, (N or 1, ...)
        reach: Reach | None = None,
        frame: Tensor | None = None,  # F_t, (N or 1, 3, H, W)
    ) -> tuple[Tensor, ...]:
        """Feature maps (N, out_channels, h_s, w_s) of the branch.

        With a shortcut those of the decoder, (N, width, h_s, w_s), and then the
        ``mask_features``, as :class:`ShortcutRoIExtractor` reads them; with detail the
        frame comes last. Where ``reach`` does not read, a map may be 0, or end.

        Raises:
            ValueError: The frame is needed, and not given.
        """
        if self.with_detail and frame is None:
            raise ValueError('with_detail=True needs the frame')
        given = dict(zip(self.mask_strides, mask_features))
        augmented, sizes = [], []
        for stride, skip in zip(FEATURE_STRIDES, skips):
            feature = given.get(stride)
            size = tuple((skip if feature is None else feature).shape[-2:])
            parts = [_resize_to(skip, size)] if self.with_skip else []
            augmented.append(parts if feature is None else [*parts, feature])
            sizes.append(size)
        maps = self.decoder(z, augmented, sizes, reach)
        if self.with_shortcut:
            maps = (*maps, *mask_features[: len(maps)])
        if self.with_detail:
            maps = (*maps, frame)
        return maps

    def reach_of(self, boxes: Tensor, skips: Sequence[Tensor]) -> Reach:
        """What the heads read of the maps for boxes (M, 4), network pixels."""
        # as RoI extractors have them: in half precision a box may be of another level
        boxes = boxes.to(skips[0].dtype)
        extractors = self.roi_head.bbox_roi_extractor, self.roi_head.mask_roi_extractor
        size = tuple(skips[0].shape[-2:])
        return reach_of(boxes, size, levels_of(extractors, boxes))

    def loss(
        self,
        features: Sequence[Tensor],  # of forward()
        candidates: Sequence[Tensor],  # N times (M_i, 4) xyxy, network pixels
        data_samples: Sequence,  # N DetDataSample with gt_instances
    ) -> dict[str, Tensor]:
        """Class, box and mask loss of the sampled candidates.

        Returns:
            ``loss_aug_cls``, ``loss_aug_bbox``, ``loss_aug_mask`` and
            ``aug_acc`` (per cent).
        """
        results = [InstanceData(bboxes=boxes) for boxes in candidates]
        losses = self.roi_head.loss(features, results, list(data_samples))
        named = {}
        for key, value in losses.items():
            if key.startswith('loss_'):
                named[f'loss_aug_{key[5:]}'] = value * self.loss_weight
            else:
                named[f'aug_{key}'] = value
        return named


def _resize_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Encoder and FPN round odd sizes alike; other necks may not."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode='nearest')
