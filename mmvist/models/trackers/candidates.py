"""The boxes that the augment branch looks at, each with its origin."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

MATCHED, PROPAGATED, NEW = 0, 1, 2
"""Kinds of candidate box: of a matched pair, b^pro alone, b^mask alone."""


@dataclass
class Candidates:
    """Candidate boxes of one frame.

    Attributes:
        boxes: (M, 4) xyxy.
        kinds: (M,) long, :data:`MATCHED`, :data:`PROPAGATED` or :data:`NEW`.
        track_rows: (M,) long, row of the known instance, -1 for a new one.
        det_rows: (M,) long, row of the detection, -1 for a propagated box.
    """

    boxes: Tensor
    kinds: Tensor
    track_rows: Tensor
    det_rows: Tensor

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Tensor) -> Candidates:
        return Candidates(**{name: value[rows] for name, value in vars(self).items()})
