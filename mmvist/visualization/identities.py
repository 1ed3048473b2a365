"""Truth and prediction under the same numbers, so that a switch shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment

MATCH_IOU = 0.5
Votes = Counter[tuple[int, int]]


def align_identities(
    truth: Sequence[InstanceData], predicted: Sequence[InstanceData]
) -> dict[int, int]:
    """Number each true identity like the predicted one that it mostly has.

    The pairs, one to one over the whole clip, are those that agree in most
    frames (mask IoU of at least 0.5). Truth that no prediction follows takes
    numbers that no prediction has.

    Args:
        truth: Per frame ``masks`` (N, H, W) bool and ``instances_id`` (N,).
        predicted: The same frames, the same entries.

    Returns:
        True identity to the number to show.
    """
    shared: Votes = Counter()
    true_ids: dict[int, None] = {}
    seen_ids: set[int] = set()
    for real, found in zip(truth, predicted, strict=True):
        true_ids.update(dict.fromkeys(real.instances_id.tolist()))
        seen_ids.update(found.instances_id.tolist())
        for i, j in (
            (_mask_iou(real.masks, found.masks) >= MATCH_IOU).nonzero().tolist()
        ):
            shared[int(real.instances_id[i]), int(found.instances_id[j])] += 1
    return numbers_by_votes(shared, list(true_ids), seen_ids)


def numbers_by_votes(
    shared: Votes, identities: Sequence[int], others: Iterable[int]
) -> dict[int, int]:
    """Number each identity like the other one that it shares most frames with.

    Args:
        shared: Frames that an identity and another one share.
        identities: Those to be numbered.
        others: Numbers that are in use; who shares no frame gets none of them.

    Returns:
        Identity to number, one to one.
    """
    rows, columns = list(identities), sorted({0, *others})
    votes = np.array([[shared[i, j] for j in columns] for i in rows])
    numbers = {}
    if rows:
        for i, j in zip(*linear_sum_assignment(votes, maximize=True), strict=True):
            if votes[i, j]:
                numbers[rows[i]] = columns[j]
    fresh = max(columns) + 1
    for identity in rows:
        if identity not in numbers:
            numbers[identity] = fresh
            fresh += 1
    return numbers


def _mask_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N, M) of masks (N, H, W) and (M, H, W)."""
    a, b = a.flatten(1).float(), b.flatten(1).float()
    both = a @ b.T
    return both / (a.sum(1)[:, None] + b.sum(1) - both).clamp(min=1)
