"""One-to-one assignment behind a gate."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

MOST_PAIRS = 1e6


def gated_assignment(
    cost: Tensor,  # (P, D), below ``alone``
    allowed: Tensor,  # (P, D) bool
    alone: float = MOST_PAIRS,
) -> tuple[Tensor, Tensor]:
    """Pairs of the least total cost.

    A pair that is not allowed is forbidden before the assignment is solved, so that
    it cannot take the place of a good pair, and left out after it.

    Args:
        alone: What it costs that a row and a column find no partner. By default so
            much that there are as many pairs as can be.

    Returns:
        Rows and columns of the pairs, (K,) long each, rows in rising order.
    """
    none = torch.zeros(0, dtype=torch.long, device=cost.device)
    if cost.numel() == 0:
        return none, none.clone()
    gated = torch.where(allowed, cost, torch.full_like(cost, alone))
    rows, columns = linear_sum_assignment(gated.detach().cpu().numpy())
    kept = allowed.cpu().numpy()[rows, columns]
    return (
        torch.as_tensor(rows[kept], dtype=torch.long, device=cost.device),
        torch.as_tensor(columns[kept], dtype=torch.long, device=cost.device),
    )
