"""Which latents of a (L, h, w) map form a group (paper, Lemma 1).

Lemma 1 divides the latents into k independent groups and leaves open which.
The "spatial correlation" of the text is taken literally by default: a group
is one channel, its members are the positions of that channel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


class LatentLayout:
    """Order of a latent map as J variables in contiguous groups.

    Args:
        groups: ``'channel'``, ``'position'``, or a window (height, width) of
            positions within a channel; windows at the border are smaller.
        shape: (L, h, w).

    Attributes:
        group_sizes: An int where all groups are equal, else their list.
        num_groups: k.
    """

    def __init__(self, groups: str | Sequence[int], shape: Sequence[int]) -> None:
        channels, height, width = shape
        self.shape = (channels, height, width)
        self.groups = groups
        self.group_sizes: int | list[int]
        self._order: Tensor | None = None
        if groups == 'channel':
            self.group_sizes, self.num_groups = height * width, channels
        elif groups == 'position':
            self.group_sizes, self.num_groups = channels, height * width
        elif isinstance(groups, str):
            raise ValueError(
                f"groups is 'channel', 'position' or a window (height, width), "
                f'got {groups!r}'
            )
        else:
            self._set_windows(*groups)

    def _set_windows(self, window_h: int, window_w: int) -> None:
        channels, height, width = self.shape
        rows = torch.arange(height)[:, None] // window_h
        columns = torch.arange(width)[None, :] // window_w
        window = (rows * -(-width // window_w) + columns).flatten()
        order = torch.argsort(window, stable=True)
        sizes = torch.bincount(window).tolist()
        offsets = torch.arange(channels)[:, None] * (height * width)
        self._order = (offsets + order[None]).flatten()
        self.num_groups = len(sizes) * channels
        self.group_sizes = sizes[0] if len(set(sizes)) == 1 else sizes * channels

    def to_vector(self, latent_map: Tensor) -> Tensor:
        """(N, L, h, w) to (N, J), the members of a group side by side."""
        if self.groups == 'position':
            return latent_map.flatten(2).transpose(1, 2).flatten(1)
        vector = latent_map.flatten(1)
        if self._order is None:
            return vector
        return vector[:, self._order.to(vector.device)]

    def to_map(self, vector: Tensor) -> Tensor:
        """(N, J) back to (N, L, h, w)."""
        channels, height, width = self.shape
        if self.groups == 'position':
            vector = vector.view(len(vector), height * width, channels)
            return vector.transpose(1, 2).reshape(-1, channels, height, width)
        if self._order is not None:
            inverse = torch.argsort(self._order).to(vector.device)
            vector = vector[:, inverse]
        return vector.reshape(-1, channels, height, width)

    def pool(self, head: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
        """One number a group: average over the group's positions, then ``head``.

        Args:
            head: A pointwise layer, (N, C, a, b) to (N, L or 1, a, b).
            features: (N, C, h, w).

        Returns:
            (N, k), in the order of :attr:`group_sizes`.
        """
        if self.groups == 'channel':
            return head(features.mean(dim=(2, 3), keepdim=True)).flatten(1)
        if self.groups == 'position':
            return head(features).flatten(1)
        window = tuple(int(side) for side in self.groups)
        pooled = F.avg_pool2d(features, window, ceil_mode=True, count_include_pad=False)
        return head(pooled).flatten(1)
