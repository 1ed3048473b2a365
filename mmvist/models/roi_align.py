"""RoIAlign by products of matrices, which is what a CPU does best."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from mmcv.ops import RoIAlign
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class SeparableRoIAlign(RoIAlign):
    """MMCV's RoIAlign, several times as fast on a CPU, of maps in any layout.

    Bilinear sampling is separable, and so is the mean over a grid of samples: the
    weight of a cell in a bin is that of its row times that of its column. A crop is
    then rows (h, H) x window (H, W, C) x columns (w, W), and its gradient the
    transposed product. The numbers are MMCV's but for rounding; a RoI that is not
    finite has a crop of zeros.

    On other devices, and for maxima, it is MMCV's own, which takes any layout for that
    of (N, C, h, w), and does not say so.
    """

    def forward(self, input: Tensor, rois: Tensor) -> Tensor:
        """Crops (K, C, *output_size) of maps (N, C, h, w) for RoIs (K, 5)."""
        if input.device.type != 'cpu' or self.pool_mode != 'avg':
            return super().forward(input.contiguous(), rois)
        exact = torch.promote_types(input.dtype, torch.float32)
        corners = rois[:, 1:].detach().to(exact) * self.spatial_scale
        if self.aligned:
            corners = corners - 0.5
        sizes = corners[:, 2:] - corners[:, :2]
        if not self.aligned:
            sizes = sizes.clamp(min=1)
        rows, columns = (
            _shares(corners[:, axis], sizes[:, axis], bins, cells, self.sampling_ratio)
            for axis, bins, cells in zip((1, 0), self.output_size, input.shape[-2:])
        )
        return _Crop.apply(input, rois[:, 0].long().tolist(), rows, columns)


def separate(module: nn.Module) -> None:
    """Put a :class:`SeparableRoIAlign` in the place of every RoIAlign in a module."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is RoIAlign and not child.use_torchvision:
                other = SeparableRoIAlign(
                    child.output_size,
                    child.spatial_scale,
                    child.sampling_ratio,
                    child.pool_mode,
                    child.aligned,
                )
                setattr(parent, name, other)


class _Shares(NamedTuple):
    """Of the cells of one axis in the bins of K RoIs.

    Attributes:
        weights: (K, bins, cells).
        spans: For each RoI the first cell that counts, and the one behind the last.
    """

    weights: Tensor
    spans: list[tuple[int, int]]


def _shares(
    starts: Tensor,  # (K,), cells
    sizes: Tensor,  # (K,), cells
    bins: int,
    cells: int,
    sampling_ratio: int,
) -> _Shares:
    count = len(starts)
    known = starts.isfinite() & sizes.isfinite()
    if sampling_ratio > 0:
        grid = sampling_ratio * known
    else:
        grid = (sizes / bins).where(known, 0).ceil().long().clamp(min=0)
    # the samples of all RoIs, one after the other
    samples = bins * grid
    owner = torch.arange(count).repeat_interleave(samples)
    place = torch.arange(len(owner)) - (samples.cumsum(0) - samples)[owner]
    at = starts[owner] + (place + 0.5) * (sizes / samples)[owner]
    share = ((at >= -1) & (at <= cells)) / grid[owner].to(at)
    at = at.clamp(0, cells - 1)
    low = at.floor().long()
    high = (low + 1).clamp(max=cells - 1)
    weights = starts.new_zeros(count * bins * cells)
    first = (owner * bins + place // grid[owner]) * cells
    weights.index_add_(0, first + low, share * (1 - (at - low)))
    weights.index_add_(0, first + high, share * (at - low))
    begins = torch.full((count,), cells).scatter_reduce(0, owner, low, 'amin')
    ends = torch.zeros(count, dtype=torch.long).scatter_reduce(0, owner, high, 'amax')
    spans = list(zip(begins.tolist(), (ends + 1).tolist()))
    return _Shares(weights.view(count, bins, cells), spans)


class _Crop(torch.autograd.Function):
    """rows x window x columns, for each RoI."""

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, owners: list[int], rows: _Shares, columns: _Shares
    ) -> Tensor:
        ctx.given = owners, rows, columns
        ctx.shape = maps.shape
        inner = _channels_inside(maps)
        bins = rows.weights.shape[1], columns.weights.shape[1]
        crops = inner.new_empty(len(owners), *bins, maps.shape[1])
        with torch.autocast('cpu', enabled=False):
            for crop, (window, row, column) in zip(crops, _windows(inner, *ctx.given)):
                lines = row @ window.to(row).flatten(1)
                crop.copy_(column @ lines.unflatten(1, window.shape[1:]))
        return crops.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        number, channels, height, width = ctx.shape
        _, rows, _ = ctx.given
        inner = rows.weights.new_zeros(number, height, width, channels)
        crops = _channels_inside(grad).to(inner)
        with torch.autocast('cpu', enabled=False):
            for crop, (window, row, column) in zip(crops, _windows(inner, *ctx.given)):
                lines = (column.T @ crop).flatten(1)
                window += (row.T @ lines).view(window.shape)
        return inner.to(grad.dtype).permute(0, 3, 1, 2), None, None, None


def _windows(
    inner: Tensor,  # (N, h, w, C)
    owners: list[int],
    rows: _Shares,
    columns: _Shares,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """What a RoI reads of its map, and how its rows and columns count, one by one."""
    for owner, row, (top, bottom), column, (left, right) in zip(
        owners, rows.weights, rows.spans, columns.weights, columns.spans
    ):
        window = inner[owner, top:bottom, left:right]
        yield window, row[:, top:bottom], column[:, left:right]


def _channels_inside(maps: Tensor) -> Tensor:
    """(N, C, h, w) as (N, h, w, C), copied where it does not lie so already."""
    return maps.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
