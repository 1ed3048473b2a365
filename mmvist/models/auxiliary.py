"""D_aux: the next frame from z alone (paper, section 3.3.1).

No skip reaches this decoder: with a direct way from the input, z could stay
empty (the bypass that the branch exists to prevent).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.registry import MODELS

from .layers import ResidualBlock, SubpixelConv, conv3x3


@MODELS.register_module()
class AuxiliaryHead(BaseModule):
    """z to F^_{t+1} by residual blocks and subpixel convolutions.

    1. 3x3 convolution and residual block at stride 32;
    2. five times: subpixel convolution, residual block;
    3. 3x3 convolution to the three normalised colours.

    With ``stem_stride=2``, four times, and the fifth subpixel convolution gives
    the colours.

    Args:
        latent_channels: Channels L of z.
        widths: Channels at strides 1, 2, 4, 8, 16 as in the encoder.
        stem_stride: 1 or 2, as in the encoder; 2 has no block at full
            resolution.
        out_channels: Channels of a frame.
        loss_weight: Weight of the mean square error.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        latent_channels: int = 32,
        widths: Sequence[int] = (32, 64, 128, 256, 256),
        stem_stride: int = 1,
        out_channels: int = 3,
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.loss_weight = loss_weight
        rising = list(reversed(widths))
        layers: list[nn.Module] = [
            conv3x3(latent_channels, rising[0]),
            nn.ReLU(inplace=True),
            ResidualBlock(rising[0]),
        ]
        targets = rising if stem_stride == 1 else rising[:-1]
        channels = rising[0]
        for width in targets:
            layers += [
                SubpixelConv(channels, width),
                nn.ReLU(inplace=True),
                ResidualBlock(width),
            ]
            channels = width
        last = conv3x3 if stem_stride == 1 else SubpixelConv
        layers.append(last(channels, out_channels))
        self.layers = nn.Sequential(*layers)

    def forward(
        self,
        z: Tensor,  # (N, L, h, w), stride 32
        size: tuple[int, int] | None = None,
    ) -> Tensor:
        """Predict the next frame.

        Args:
            z: The latent map.
            size: (H, W) to crop to; 32 times that of z by default.

        Returns:
            F^_{t+1}, (N, 3, H, W), in the normalised colours of the input.
        """
        picture = self.layers(z)
        if size is not None:
            picture = picture[..., : size[0], : size[1]]
        return picture

    def loss(
        self,
        z: Tensor,  # (N, L, h, w)
        next_frame: Tensor,  # (N, 3, H, W) F_{t+1}, normalised and padded
        has_next: Tensor,  # (N,) bool: F_{t+1} exists
        img_shapes: Sequence[tuple[int, int]],  # (height, width) without padding
    ) -> dict[str, Tensor]:
        """Mean square error over the unpadded pixels of frames that exist.

        Returns:
            ``loss_aux``, zero (with a gradient of zero) where no sample of
            the batch has a next frame.
        """
        predicted = self(z, next_frame.shape[-2:])
        valid = torch.zeros_like(next_frame[:, :1])
        for sample, (height, width) in enumerate(img_shapes):
            if has_next[sample]:
                valid[sample, :, :height, :width] = 1
        error = (predicted.float() - next_frame.float()).square() * valid
        count = (valid.sum() * next_frame.shape[1]).clamp(min=1)
        return dict(loss_aux=self.loss_weight * error.sum() / count)
