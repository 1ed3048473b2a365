"""Masks of one frame, each kept in the rectangle that it cannot leave.

Fifty masks of a 1080p frame are a hundred million pixels, nearly all of them empty.
What tracking wants of its masks, IoU, disjoint ones, one image of all, run-length
codes, can be had from the rectangles alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Region = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Crops:
    """N pictures of one size that are zero outside of a rectangle each.

    Attributes:
        values: The inside of each rectangle, (h, w), all of one dtype.
        regions: Where each lies in its picture.
        size: (H, W) of the pictures.

    Raises:
        ValueError: A rectangle has another size than its values, or leaves the
            picture.

    Example:
        >>> everything = (slice(0, 1), slice(0, 3))
        >>> right = (slice(0, 1), slice(2, 3))
        >>> Crops(
        ...     [torch.tensor([[1, 1, 0]]), torch.tensor([[1]])],
        ...     [everything, right],
        ...     (1, 3),
        ... ).dense().tolist()
        [[[1, 1, 0]], [[0, 0, 1]]]
    """

    values: Sequence[Tensor]
    regions: Sequence[Region]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        for value, (rows, columns) in self:
            sides = rows.stop - rows.start, columns.stop - columns.start
            inside = (
                0 <= rows.start <= rows.stop <= self.size[0]
                and 0 <= columns.start <= columns.stop <= self.size[1]
            )
            if tuple(value.shape) != sides or not inside:
                raise ValueError(
                    f'values of shape {tuple(value.shape)} do not fit in rows {rows} '
                    f'and columns {columns} of {self.size}'
                )

    @classmethod
    def whole(cls, pictures: Tensor) -> Crops:
        """(N, H, W), each in a rectangle of its full size."""
        height, width = pictures.shape[1:]
        everything = slice(0, height), slice(0, width)
        return cls(list(pictures), [everything] * len(pictures), (height, width))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[Tensor, Region]]:
        return iter(zip(self.values, self.regions, strict=True))

    def __getitem__(self, rows: Tensor) -> Crops:
        """Those that a bool or long tensor names."""
        if rows.dtype == torch.bool:
            rows = rows.nonzero()[:, 0]
        chosen = rows.tolist()
        return Crops(
            [self.values[row] for row in chosen],
            [self.regions[row] for row in chosen],
            self.size,
        )

    def map(self, change: Callable[[Tensor], Tensor]) -> Crops:
        """Each with its values changed, in its place."""
        return Crops([change(value) for value in self.values], self.regions, self.size)

    def areas(self) -> Tensor:
        """Sum of each, (N,)."""
        if not len(self):
            return torch.zeros(0, dtype=torch.long)
        return torch.stack([value.sum() for value in self.values])

    def dense(self, **kwargs: object) -> Tensor:
        """The pictures, (N, H, W).

        Args:
            **kwargs: ``dtype`` and ``device`` in place of those of the values; of no
                values they are to be named.
        """
        if len(self):
            first = self.values[0]
            kwargs = dict(dtype=first.dtype, device=first.device) | kwargs
        pictures = torch.zeros(len(self), *self.size, **kwargs)
        for picture, (value, region) in zip(pictures, self, strict=True):
            picture[region] = value
        return pictures


def crop_iou(crops: Crops) -> Tensor:
    """IoU of every pair of binary masks, (N, N) float32; 0 of two empty ones.

    What :func:`mmvist.structures.masks.mask_iou` gives for the masks and themselves.
    """
    shared = torch.diag(crops.areas()).cpu().double()
    pairs, sums = [], []
    for row in range(len(crops)):
        for column in range(row):
            common = _overlap(crops.regions[row], crops.regions[column])
            if common is not None:
                both = _part(crops, row, common) & _part(crops, column, common)
                pairs.append((row, column))
                sums.append(both.sum())
    if pairs:
        rows, columns = torch.tensor(pairs).T
        # one transfer from a GPU
        found = torch.stack(sums).cpu().double()
        shared[rows, columns] = shared[columns, rows] = found
    areas = shared.diagonal()
    union = areas[:, None] + areas[None] - shared
    return (shared / union.clamp(min=1)).float()


def disjoint_crops(
    masks: Crops,
    scores: Tensor,  # (N,)
    probs: Crops,
) -> Crops:
    """Give every pixel to the mask with the highest product of score and probability.

    What :func:`mmvist.structures.masks.disjoint_masks` gives for the masks, with two
    pictures of the size of the frame however many masks there are.

    Args:
        masks: Bool.
        scores: One for each mask.
        probs: How sure each mask is of its pixels, in the same rectangles.
    """
    if not len(masks):
        return masks
    device = masks.values[0].device
    worth = torch.full(masks.size, -1.0, device=device)
    # row + 1 of the best so far
    number = torch.uint8 if len(masks) < 256 else torch.int32
    owner = torch.zeros(masks.size, dtype=number, device=device)
    scores = scores.to(device, torch.float32)
    for row in torch.argsort(scores, descending=True, stable=True).tolist():
        region = masks.regions[row]
        claim = probs.values[row].float() * scores[row]
        best = worth[region]
        wins = (claim > best) & masks.values[row]
        best.copy_(torch.where(wins, claim, best))
        owner[region].masked_fill_(wins, row + 1)
    owned = [owner[region] == row for row, region in enumerate(masks.regions, 1)]
    return Crops(owned, masks.regions, masks.size)


def _overlap(one: Region, other: Region) -> Region | None:
    common = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(one, other, strict=True)
    )
    return common if all(side.start < side.stop for side in common) else None


def _part(crops: Crops, row: int, within: Region) -> Tensor:
    """Of one crop what lies in a region of the picture."""
    return crops.values[row][
        tuple(
            slice(side.start - own.start, side.stop - own.start)
            for side, own in zip(within, crops.regions[row], strict=True)
        )
    ]
