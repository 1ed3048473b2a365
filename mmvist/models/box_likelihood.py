"""How far b^pro_t may be from where the object is: p(b_t | z, phi) with its scale."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor, nn


class BoxLikelihood(nn.Module):
    """A Laplace distribution about each of the four deltas of D_pro.

    Smooth L1, the box loss of the paper, is a likelihood with one scale for all
    boxes. Here each delta has its own, read from the RoI that gave the delta, so that
    a box whose object is half hidden can say so ("What Uncertainties Do We Need in
    Bayesian Deep Learning for Computer Vision?", NIPS 2017, section 3.2). No gradient
    goes back into RoIs or deltas: boxes stay what they were. D_pro's own two layers
    are not shared, since they have dropped what hides an object.

    Args:
        channels: Numbers that RoIAlign gives for a RoI.
        coder: The box coder of the deltas.
        hidden_channels: Width of the layer between.

    Raises:
        ValueError: The coder is not of MMDetection's ``DeltaXYWHBBoxCoder`` kind.
    """

    LOG_SCALE_LIMIT = 7.0
    LOSS_WEIGHT = 0.1
    """At 1 it is half of the norm at which gradients are clipped."""

    def __init__(
        self, channels: int, coder: object, hidden_channels: int = 128
    ) -> None:
        super().__init__()
        if not isinstance(coder, DeltaXYWHBBoxCoder):
            raise ValueError(
                'with_variance needs a DeltaXYWHBBoxCoder, got '
                f'{type(coder).__name__}: what its deltas mean in pixels is unknown'
            )
        self.register_buffer('stds', torch.tensor(coder.stds), persistent=False)
        self.fc = nn.Linear(channels, hidden_channels)
        self.fc_scale = nn.Linear(hidden_channels, 4)
        nn.init.normal_(self.fc_scale.weight, std=0.001)
        nn.init.zeros_(self.fc_scale.bias)

    def forward(
        self,
        crops: Tensor,  # (M, channels)
    ) -> Tensor:
        """Logarithms of the scales of dx, dy, dw, dh, (M, 4)."""
        limit = self.LOG_SCALE_LIMIT
        hidden = self.fc(crops.detach()).relu()
        return self.fc_scale(hidden).clamp(-limit, limit)

    def loss(
        self,
        log_scales: Tensor,  # (M, 4)
        deltas: Tensor,  # (M, 4)
        targets: Tensor,  # (M, 4) deltas of the truth
    ) -> Tensor:
        """-log p of the true deltas without its constant: summed over four, mean.

        Times ``LOSS_WEIGHT``, which Adam undoes.
        """
        log_scales = log_scales.float()
        errors = (targets - deltas.detach().float()).abs()
        terms = errors * torch.exp(-log_scales) + log_scales
        return self.LOSS_WEIGHT * terms.sum(dim=1).mean()

    def variance(
        self,
        log_scales: Tensor,  # (M, 4)
        boxes: Tensor,  # (M, 4) b_{t-1}, xyxy
        proposals: Tensor,  # (M, 4) b^pro_t, xyxy
    ) -> Tensor:
        """Variance of x1, y1, x2, y2 of each b^pro_t, (M, 4) square pixels.

        To first order, centre and size being independent: an edge is the centre
        plus or minus half a side, and a side is an exponential of its delta.
        """
        # a Laplace distribution of scale s has the variance 2 s^2
        deviations = 2**0.5 * torch.exp(log_scales.float()) * self.stds
        centres = deviations[:, :2] * _sides(boxes)
        sides = deviations[:, 2:] * _sides(proposals)
        return (centres.square() + sides.square() / 4).repeat(1, 2)


def _sides(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).float()
