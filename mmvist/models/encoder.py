"""E_phi: the shared encoder of the VAE (paper, sections 3.2 and 3.3.1).

What differs from the letter of the paper: the latent is a map, not a vector,
so that the size of a frame is free; a group of correlated latents is one
channel of that map unless ``groups`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvist.registry import MODELS

from .encoding import Encoding, LatentHeads
from .layers import ResidualBlock, conv3x3


@MODELS.register_module()
class VideoEncoder(LatentHeads):
    """Observation xi_t = [F_t, F_{t-1}, Lambda_{t-1}] to q(z | xi, phi) and phi.

    1. a 3x3 convolution takes the 7 channels to ``widths[0]``;
    2. five times: a residual block without normalisation, whose output is
       kept in phi, and a stride-2 3x3 convolution;
    3. heads on the bottleneck: mu and log sigma^2 by 3x3 convolutions, rho
       by a linear layer on the average over each group.

    Args:
        widths: Channels of the blocks at strides 1, 2, 4, 8, 16; the
            bottleneck has the last.
        latent_channels: Channels L of the latent map.
        stem_stride: 1 as in the paper. With 2 the first block works at half
            resolution: a quarter of its time and memory, and phi starts at
            stride 2.
        groups: Which latents correlate: ``'channel'`` (all positions of a
            channel), ``'position'`` (all channels of a position) or a window
            ``(height, width)`` of positions within a channel.
        with_corr: False keeps rho at 0 (ablation (b) of table 2).
        variational: False leaves z = mu without a posterior (ablation (c)).
        init_rho: Where rho starts, from 0 on.
        init_log_var: Where log sigma^2 starts. Below 0, since noise of the
            prior's size would drown the features of an untrained encoder.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: Of ``widths``, ``stem_stride`` or ``init_rho``.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 256, 256),
        latent_channels: int = 32,
        stem_stride: int = 1,
        groups: str | Sequence[int] = 'channel',
        with_corr: bool = True,
        variational: bool = True,
        init_rho: float = 0.1,
        init_log_var: float = -3.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(widths) != 5:
            raise ValueError(f'widths takes five numbers, got {list(widths)}')
        if stem_stride not in (1, 2):
            raise ValueError(f'stem_stride is 1 or 2, got {stem_stride}')
        self.widths = tuple(widths)

        self.stem = conv3x3(7, widths[0], stride=stem_stride)
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in widths)
        strides = (2 // stem_stride, 2, 2, 2, 2)
        self.down = nn.ModuleList(
            conv3x3(width, below, stride=stride)
            for width, below, stride in zip(widths, (*widths[1:], widths[-1]), strides)
        )
        self._add_latent_heads(
            widths[-1],
            latent_channels,
            groups,
            with_corr=with_corr,
            variational=variational,
            init_rho=init_rho,
            init_log_var=init_log_var,
        )

    def forward(
        self,
        frame: Tensor,  # (N, 3, H, W) F_t, normalised and padded
        prev_frame: Tensor,  # (N, 3, H, W) F_{t-1}
        combined_mask: Tensor,  # (N, 1, H, W) Lambda_{t-1} in [0, 1]
    ) -> Encoding:
        """Encode one observation; see :class:`Encoding` for the shapes."""
        x = F.relu(self.stem(torch.cat([frame, prev_frame, combined_mask], dim=1)))
        phi: list[Tensor] = []
        for block, down in zip(self.blocks, self.down):
            x = block(x)
            phi.append(x)
            x = F.relu(down(x))
        return self._encode(x, tuple(phi))
