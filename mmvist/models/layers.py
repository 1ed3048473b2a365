"""Blocks shared by the encoder and the three decoders (paper, section 3.3.1).

Residual blocks without normalisation, 3x3 filters throughout, a stride-2
convolution on the way down and a subpixel convolution on the way up.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .roi_reach import Reach, Window, cut, grown

FEATURE_STRIDES = (4, 8, 16, 32)
"""Strides of P2..P5 of an FPN, at which decoders meet the detector."""


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int,
    stride: int = 1,
) -> nn.Conv2d:
    """A convolution, padded so that ``stride`` divides the size, rounded up."""
    made = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2)
    nn.init.kaiming_normal_(made.weight, nonlinearity='relu')
    nn.init.zeros_(made.bias)
    return made


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """:func:`convolution` with 3x3 filters."""
    return convolution(in_channels, out_channels, 3, stride)


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


class Lateral(nn.Conv2d):
    """1x1 convolution, without bias, of maps that would lie side by side.

    One by one: side by side they would be copied, and have one layout for all.

    Args:
        in_channels: Channels of all maps together.
        out_channels: Channels of the result.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1, bias=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity='relu')

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        # a weight without a layout of its own: each map is read in the one that it has
        weight = self.weight.flatten(1)[..., None, None]
        parts = weight.split([one.shape[1] for one in maps], dim=1)
        made = (F.conv2d(one, part) for one, part in zip(maps, parts, strict=True))
        return functools.reduce(operator.add, made)


class SkipDecoder(nn.Module):
    """The expanding path of D_pro and D_aug: z upwards, joined by skips.

    1. z (stride 32) through a 3x3 convolution;
    2. at each stride 32, 16, 8, 4: concatenate the skip (or add what a 1x1
       convolution makes of it), 3x3 convolution, ReLU, residual block;
    3. between strides: subpixel convolution;
    4. a 3x3 convolution gives every stride ``out_channels``.

    Args:
        latent_channels: Channels L of z.
        skip_channels: Channels of the skip at strides 4, 8, 16, 32; 0 where
            there is none.
        widths: Channels of the decoder at strides 4, 8, 16, 32.
        out_channels: Channels of every output; None leaves the last step out.
        skip_kernel: 3 convolves a skip with what comes from below, as in the paper;
            1 takes it to the width of the decoder by a 1x1 convolution, as an FPN
            does: of wide skips a ninth of the work.

    Raises:
        ValueError: Not four skip channels and widths, or another kernel.
    """

    def __init__(
        self,
        latent_channels: int,
        skip_channels: Sequence[int],
        widths: Sequence[int],
        out_channels: int | None,
        skip_kernel: int = 3,
    ) -> None:
        super().__init__()
        if skip_kernel not in (1, 3):
            raise ValueError(f'skip_kernel is 1 or 3, got {skip_kernel}')
        levels = len(FEATURE_STRIDES)
        if len(skip_channels) != levels or len(widths) != levels:
            raise ValueError(
                f'skip_channels and widths take one number for each of the strides '
                f'{FEATURE_STRIDES}, got {list(skip_channels)} and {list(widths)}'
            )
        self.stem = conv3x3(latent_channels, widths[-1])
        self.fuse = nn.ModuleList(
            nn.Sequential(
                conv3x3(width + (skip if skip_kernel == 3 else 0), width),
                nn.ReLU(inplace=True),
                ResidualBlock(width),
            )
            for width, skip in zip(widths, skip_channels)
        )
        self.lateral = nn.ModuleList(
            Lateral(skip, width) if skip and skip_kernel == 1 else None
            for width, skip in zip(widths, skip_channels)
        )
        self.up = nn.ModuleList(
            SubpixelConv(below, above) for above, below in zip(widths[:-1], widths[1:])
        )
        self.out_channels = [out_channels or width for width in widths]
        self.out = nn.ModuleList(
            conv3x3(width, out_channels) if out_channels else nn.Identity()
            for width in widths
        )

    def forward(
        self,
        z: Tensor,  # (N, L, h, w), stride 32
        skips: Sequence[Sequence[Tensor]],  # s = 4, 8, 16, 32, of (N or 1, ?, h_s, w_s)
        sizes: Sequence[tuple[int, int]],  # (h_s, w_s) of the four outputs
        reach: Reach | None = None,
    ) -> tuple[Tensor, ...]:
        """Decode.

        Args:
            z: The latent maps: of N frames, or N draws of one.
            skips: The maps that join at each stride, whose channels make up those of
                the skip; maps of one frame serve all draws.
            sizes: Sizes of the outputs.
            reach: What will be read of the outputs; the rest is 0 or missing, and
                what is finer than all that is read is not computed.

        Returns:
            Feature maps (N, out_channels or widths, h_s, w_s) at strides 4, 8, 16, 32,
            in whatever layout they were made.
        """
        outs: list[Tensor] = []
        if reach is not None and z.device.type == 'cpu':
            # the layout that a CPU's convolutions need not rearrange
            z = z.to(memory_format=torch.channels_last)
        x = self.stem(z)
        levels = range(len(self.fuse))
        last = 0 if reach is None else min(reach.levels, default=len(levels))
        for level in reversed(levels):
            read = reach is None or level in reach.levels
            if level < last:
                outs.append(self._unread(x, level, sizes))
                continue
            if level == 0 and reach is not None:
                outs.append(self._finest(x, skips[0], sizes[0], reach.window))
                continue
            if level < len(self.up):
                x = self.up[level](x)
            height, width = sizes[level]
            x = x[..., :height, :width]
            conv, relu, block = self.fuse[level]
            x = block(relu(_join(conv, x, skips[level], self.lateral[level])))
            outs.append(self.out[level](x) if read else self._unread(x, level, sizes))
        return tuple(reversed(outs))

    def _unread(
        self, x: Tensor, level: int, sizes: Sequence[tuple[int, int]]
    ) -> Tensor:
        shape = len(x), self.out_channels[level], *sizes[level]
        return x.new_zeros(1).expand(shape)

    def _finest(
        self,
        x: Tensor,  # (N, C, h, w), stride 8
        skips: Sequence[Tensor],
        size: tuple[int, int],
        window: Window,
    ) -> Tensor:
        """The map of stride 4, which is right in a window and ends with it."""
        # the window is one of E_s, and the map may be smaller: some necks round down
        window = grown(window, 0, size)
        # a convolution is right up to one cell from where the map was cut
        top, left, bottom, right = grown(window, 6, size)
        top, left, bottom, right = top // 2, left // 2, -(-bottom // 2), -(-right // 2)
        x = self.up[0](x[..., top:bottom, left:right])
        seen = (2 * top, 2 * left, min(2 * bottom, size[0]), min(2 * right, size[1]))
        conv, relu, block = self.fuse[0]
        x, seen = cut(x, seen, grown(window, 4, size))
        skips = [cut(skip, (0, 0, *size), seen)[0] for skip in skips]
        joined = _join(conv, x, skips, self.lateral[0])
        x, seen = cut(relu(joined), seen, grown(window, 3, size))
        x, seen = cut(block(x), seen, grown(window, 1, size))
        x, (top, left, bottom, right) = cut(self.out[0](x), seen, window)
        # no cell behind the window is read: the map ends there
        return F.pad(x, (left, 0, top, 0))


def _join(
    conv: nn.Conv2d,
    x: Tensor,
    skips: Sequence[Tensor],
    lateral: Lateral | None,
) -> Tensor:
    """``conv`` of x and skips side by side, or of x plus ``lateral`` of the skips.

    What is of one frame is convolved once for all draws.
    """
    if not skips:
        return conv(x)
    if lateral is not None:
        return conv(x + lateral(skips))
    if len(skips[0]) == len(x):
        return conv(torch.cat([x, *skips], dim=1))
    skip = torch.cat(list(skips), dim=1)
    own, shared = conv.weight.split([x.shape[1], skip.shape[1]], dim=1)
    common = F.conv2d(skip, shared, conv.bias, conv.stride, conv.padding)
    return F.conv2d(x, own, None, conv.stride, conv.padding).add_(common)
