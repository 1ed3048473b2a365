"""Blocks shared by the encoder and the three decoders (paper, section 3.3.1).

Residual blocks without normalisation, 3x3 filters throughout, a stride-2
convolution on the way down and a subpixel convolution on the way up.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FEATURE_STRIDES = (4, 8, 16, 32)
"""Strides of P2..P5 of an FPN, at which decoders meet the detector."""


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution, padded so that ``stride`` divides the size, rounded up."""
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity='relu')
    nn.init.zeros_(conv.bias)
    return conv


class ResidualBlock(nn.Module):
    """conv3-ReLU-conv3 plus identity, then ReLU; no normalisation.

    The second convolution starts at zero, so that a block begins as the
    identity: without normalisation a deep stack would else grow its
    activations with every block.

    Args:
        channels: Channels in and out.

    Shape:
        (N, channels, h, w) to the same.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)
        self.relu = nn.ReLU(inplace=True)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.conv2(self.relu(self.conv1(x))))


class SubpixelConv(nn.Sequential):
    """3x3 convolution and pixel shuffle: (N, C, h, w) to (N, out, 2h, 2w)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(conv3x3(in_channels, 4 * out_channels), nn.PixelShuffle(2))
        # One filter for the four pixels that it fills: nearest-neighbour
        # upsampling at the start, which leaves no checkerboard.
        weight = self[0].weight
        with torch.no_grad():
            weight.copy_(weight[::4].repeat_interleave(4, dim=0))


class SkipDecoder(nn.Module):
    """The expanding path of D_pro and D_aug: z upwards, joined by skips.

    1. z (stride 32) through a 3x3 convolution;
    2. at each stride 32, 16, 8, 4: concatenate the skip, 3x3 convolution,
       ReLU, residual block;
    3. between strides: subpixel convolution;
    4. a 3x3 convolution gives every stride ``out_channels``.

    Args:
        latent_channels: Channels L of z.
        skip_channels: Channels of the skip at strides 4, 8, 16, 32; 0 where
            there is none.
        widths: Channels of the decoder at strides 4, 8, 16, 32.
        out_channels: Channels of every output.

    Raises:
        ValueError: Not four skip channels and widths.
    """

    def __init__(
        self,
        latent_channels: int,
        skip_channels: Sequence[int],
        widths: Sequence[int],
        out_channels: int,
    ) -> None:
        super().__init__()
        levels = len(FEATURE_STRIDES)
        if len(skip_channels) != levels or len(widths) != levels:
            raise ValueError(
                f'skip_channels and widths take one number for each of the strides '
                f'{FEATURE_STRIDES}, got {list(skip_channels)} and {list(widths)}'
            )
        self.stem = conv3x3(latent_channels, widths[-1])
        self.fuse = nn.ModuleList(
            nn.Sequential(
                conv3x3(width + skip, width),
                nn.ReLU(inplace=True),
                ResidualBlock(width),
            )
            for width, skip in zip(widths, skip_channels)
        )
        self.up = nn.ModuleList(
            SubpixelConv(below, above) for above, below in zip(widths[:-1], widths[1:])
        )
        self.out = nn.ModuleList(conv3x3(width, out_channels) for width in widths)

    def forward(
        self,
        z: Tensor,  # (N, L, h, w), stride 32
        skips: Sequence[Tensor | None],  # (N, C_s, h_s, w_s), s = 4, 8, 16, 32
        sizes: Sequence[tuple[int, int]],  # (h_s, w_s) of the four outputs
    ) -> tuple[Tensor, ...]:
        """Decode.

        Returns:
            Feature maps (N, out_channels, h_s, w_s) at strides 4, 8, 16, 32.
        """
        outs: list[Tensor] = []
        x = self.stem(z)
        for level in reversed(range(len(self.fuse))):
            if level < len(self.up):
                x = self.up[level](x)
            height, width = sizes[level]
            x = x[..., :height, :width]
            skip = skips[level]
            x = self.fuse[level](x if skip is None else torch.cat([x, skip], dim=1))
            outs.append(self.out[level](x))
        return tuple(reversed(outs))
