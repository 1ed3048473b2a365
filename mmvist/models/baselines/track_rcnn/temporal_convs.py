"""Separable 3D convolutions over the frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmvist.registry import MODELS


class SeparableConv3d(nn.Sequential):
    """Depthwise 3 x 3 x 3, pointwise, ReLU; (N, C, T, h, w) to the same shape.

    Zeros stand outside of the clip and of the map. A new layer is the identity for
    input that is not negative: a delta in each filter, and the identity matrix.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        depthwise = nn.Conv3d(
            channels, channels, 3, padding=1, groups=channels, bias=False
        )
        pointwise = nn.Conv3d(channels, channels, 1, bias=False)
        nn.init.dirac_(depthwise.weight, groups=channels)
        nn.init.dirac_(pointwise.weight)
        super().__init__(depthwise, pointwise, nn.ReLU())


@MODELS.register_module()
class TemporalConvs(nn.Module):
    """Mixes the maps of neighbouring frames, between backbone and neck.

    TrackR-CNN has no FPN: its layers follow C4, which both the RPN and, by way of
    C5, the RoI heads read. With an FPN they stand in front of it, for there a map is
    the output of a ReLU, and a new layer leaves it, and with it a pretrained detector,
    as it is. The maps behind an FPN are signed, and the ReLU of a layer would cut
    them. Each level has its own weights: the levels differ in their channels.

    Args:
        levels: Places of the maps, among the backbone's, that are mixed. C4 and C5,
            strides 16 and 32, are ``(2, 3)`` of ``out_indices=(0, 1, 2, 3)``: what an
            FPN makes of them goes on to its finer maps. At strides 4 and 8 most
            objects move farther than a kernel reaches.
        channels: Channels of those maps.
        num_layers: Layers of each level; a frame sees as many on either side.

    Raises:
        ValueError: ``levels`` and ``channels`` differ in length.
    """

    def __init__(
        self, levels: Sequence[int], channels: Sequence[int], num_layers: int = 2
    ) -> None:
        super().__init__()
        if len(levels) != len(channels):
            raise ValueError(
                f'TemporalConvs has {len(levels)} levels and channels of '
                f'{len(channels)}: give one number of channels for each level'
            )
        self.levels = tuple(levels)
        self.context = num_layers
        self.layers = nn.ModuleList(
            nn.Sequential(*(SeparableConv3d(width) for _ in range(num_layers)))
            for width in channels
        )

    def forward(
        self,
        maps: Sequence[Tensor],  # (N * T, C, h, w) of each level, frames of a clip
        length: int,  # T
    ) -> tuple[Tensor, ...]:
        """The maps, those of ``levels`` mixed over the T frames of each clip."""
        mixed = list(maps)
        for level, layers in zip(self.levels, self.layers):
            clips = maps[level].unflatten(0, (-1, length)).transpose(1, 2)
            mixed[level] = layers(clips).transpose(1, 2).flatten(0, 1)
        return tuple(mixed)

    def at(
        self,
        window: Sequence[Sequence[Tensor]],  # of each frame: (1, C, h, w) of each level
        position: int,
    ) -> tuple[Tensor, ...]:
        """The maps of one frame, as :meth:`forward` gives them of the whole video.

        Args:
            window: Frames in order. It reaches ``context`` frames to either side of
                the frame, or to the end of the video.
            position: Of the frame in the window.
        """
        first = max(position - self.context, 0)
        near = window[first : position + self.context + 1]
        mixed = list(window[position])
        for level, layers in zip(self.levels, self.layers):
            clip = torch.stack([maps[level] for maps in near], dim=2)
            mixed[level] = layers(clip)[:, :, position - first]
        return tuple(mixed)
