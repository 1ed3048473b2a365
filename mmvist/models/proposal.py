"""D_pro: where each known instance went (paper, section 3.3.2).

The regions of interest are the boxes of frame t-1; the features are of frame
t. A proposal keeps the identity of the instance whose box it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.registry import MODELS, TASK_UTILS

from .any_layout import read_any_layout
from .box_likelihood import BoxLikelihood
from .layers import FEATURE_STRIDES, SkipDecoder
from .roi_reach import levels_of, reach_of


@MODELS.register_module()
class ProposalHead(BaseModule):
    """z and phi and the boxes b_{t-1} to the boxes b^pro_t.

    1. :class:`SkipDecoder` from z with the encoder's skips to feature maps at
       strides 4, 8, 16, 32;
    2. multi-scale RoIAlign at b_{t-1};
    3. two fully connected layers and a linear layer to four box deltas.

    Args:
        latent_channels: Channels L of z.
        skip_channels: Channels of E_s at strides 4, 8, 16, 32.
        widths: Channels of the decoder at those strides.
        out_channels: Channels of the maps that RoIAlign reads.
        fc_channels: Width of the two fully connected layers.
        roi_extractor: Config of the extractor.
        roi_context: A RoI is widened by this factor about its centre before
            RoIAlign, so that an object that moved by a large part of its
            width is still seen whole. The deltas stay relative to b_{t-1}.
        bbox_coder: Config of the box coder.
        loss_bbox: Config of the box loss.
        skip_kernel: Of :class:`SkipDecoder`.
        with_skip: False decodes from z alone (ablation (a) of table 2).
        with_variance: Learn a scale for each delta, see :class:`BoxLikelihood`,
            and return it beside the deltas.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        latent_channels: int = 32,
        skip_channels: Sequence[int] = (128, 256, 256, 256),
        widths: Sequence[int] = (128, 256, 256, 256),
        out_channels: int = 256,
        fc_channels: int = 1024,
        roi_extractor: dict | None = None,
        roi_context: float = 1.0,
        bbox_coder: dict | None = None,
        loss_bbox: dict | None = None,
        skip_kernel: int = 3,
        with_skip: bool = True,
        with_variance: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.with_skip = with_skip
        self.with_variance = with_variance
        self.roi_context = roi_context
        self.decoder = SkipDecoder(
            latent_channels,
            skip_channels if with_skip else (0,) * len(FEATURE_STRIDES),
            widths,
            out_channels,
            skip_kernel,
        )
        roi_extractor = roi_extractor or dict(
            type='mmdet.SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
        )
        self.roi_extractor = MODELS.build(
            dict(
                roi_extractor,
                out_channels=out_channels,
                featmap_strides=list(FEATURE_STRIDES),
            )
        )
        read_any_layout(self.roi_extractor)
        self.bbox_coder = TASK_UTILS.build(
            bbox_coder
            or dict(
                type='mmdet.DeltaXYWHBBoxCoder',
                target_means=(0.0, 0.0, 0.0, 0.0),
                target_stds=(0.1, 0.1, 0.2, 0.2),
            )
        )
        self.loss_bbox = MODELS.build(
            loss_bbox or dict(type='mmdet.SmoothL1Loss', beta=1.0, loss_weight=1.0)
        )
        height, width = self.roi_extractor.roi_layers[0].output_size
        self.fc = nn.Sequential(
            nn.Linear(out_channels * height * width, fc_channels),
            nn.ReLU(inplace=True),
            nn.Linear(fc_channels, fc_channels),
            nn.ReLU(inplace=True),
        )
        self.fc_reg = nn.Linear(fc_channels, 4)
        nn.init.normal_(self.fc_reg.weight, std=0.001)
        nn.init.zeros_(self.fc_reg.bias)
        if with_variance:
            self.likelihood = BoxLikelihood(
                out_channels * height * width, self.bbox_coder
            )

    def forward(
        self,
        z: Tensor,  # (N, L, h, w)
        skips: Sequence[Tensor],  # E_s, s = 4, 8, 16, 32, (N or 1, ...)
        boxes: Sequence[Tensor],  # N times (M_i, 4) xyxy, network pixels
    ) -> Tensor:
        """Deltas from each b_{t-1} to b^pro_t, images in order.

        Returns:
            (sum M_i, 4) dx, dy, dw, dh; ``with_variance`` (sum M_i, 8), the
            logarithm of the scale of each behind them. The other methods take
            either.
        """
        rois = bbox2roi(list(boxes)).to(z.dtype)
        if len(rois) == 0 and not torch.is_grad_enabled():
            return z.new_zeros(0, 8 if self.with_variance else 4)
        sizes = [tuple(skip.shape[-2:]) for skip in skips]
        used = [[skip] if self.with_skip else [] for skip in skips]
        context = self.roi_context if self.roi_context != 1.0 else None
        reach = None
        if len(z) > len(skips[0]) and len(rois):
            # draws of one frame: what no RoI reads is not decoded
            read = self.roi_extractor.roi_rescale(rois, context or 1.0)[:, 1:]
            levels = levels_of([self.roi_extractor], rois[:, 1:])
            reach = reach_of(read, sizes[0], levels).rounded(sizes[0])
        features = self.decoder(z, used, sizes, reach)
        if len(rois) == 0:
            # The decoder has run so that every parameter has a gradient.
            nothing = sum(feature.sum() for feature in features) * 0
            return z.new_zeros(0, 8 if self.with_variance else 4) + nothing
        crops = self.roi_extractor(features, rois, roi_scale_factor=context)
        crops = crops.flatten(1)
        deltas = self.fc_reg(self.fc(crops))
        if self.with_variance:
            return torch.cat([deltas, self.likelihood(crops)], dim=1)
        return deltas

    def decode(
        self,
        deltas: Tensor,  # (M, 4 or 8)
        boxes: Tensor,  # (M, 4) b_{t-1}, xyxy, network pixels
        img_shape: tuple[int, int],
    ) -> Tensor:
        """b^pro_t, (M, 4) xyxy, network pixels, clipped to the image."""
        if len(boxes) == 0:
            return boxes
        return self.bbox_coder.decode(
            boxes.float(), deltas[:, :4].float(), max_shape=tuple(img_shape)
        )

    def variance(
        self,
        deltas: Tensor,  # (M, 8)
        boxes: Tensor,  # (M, 4) b_{t-1}, xyxy, network pixels
        proposals: Tensor,  # (M, 4) what :meth:`decode` made of them
    ) -> Tensor:
        """Of x1, y1, x2, y2 given z, (M, 4) square network pixels.

        Zero without ``with_variance``: one scale for all boxes says nothing.
        """
        if not self.with_variance:
            return torch.zeros_like(proposals)
        return self.likelihood.variance(deltas[:, 4:], boxes, proposals)

    def loss(
        self,
        deltas: Tensor,  # (M, 4 or 8)
        boxes: Tensor,  # (M, 4) b_{t-1}, xyxy, network pixels
        targets: Tensor,  # (M, 4) b_t of the same identity
        visible: Tensor,  # (M,) bool: the identity is there at t
    ) -> dict[str, Tensor]:
        """Smooth L1 over the instances that are still visible at t.

        Returns:
            ``loss_proposal``: the sum over four deltas, mean over those
            instances; zero where there is none. ``with_variance`` also
            ``loss_proposal_scale``, which reaches the scales alone.
        """
        if not bool(visible.any()):
            zero = deltas.sum() * 0 + sum(p.sum() for p in self._fc_parameters()) * 0
            names = ('loss_proposal', 'loss_proposal_scale')
            return dict.fromkeys(names[: 1 + self.with_variance], zero)
        encoded = self.bbox_coder.encode(
            boxes[visible].float(), targets[visible].float()
        )
        deltas, log_scales = deltas[visible, :4].float(), deltas[visible, 4:]
        losses = dict(
            loss_proposal=self.loss_bbox(
                deltas, encoded, avg_factor=float(visible.sum())
            )
        )
        if self.with_variance:
            losses['loss_proposal_scale'] = self.likelihood.loss(
                log_scales, deltas, encoded
            )
        return losses

    def _fc_parameters(self) -> Iterator[nn.Parameter]:
        layers = [self.fc, self.fc_reg]
        if self.with_variance:
            layers.append(self.likelihood)
        return chain.from_iterable(layer.parameters() for layer in layers)
