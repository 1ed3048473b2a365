"""One-to-one assignment behind a gate."""

from __future__ import annotations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

_FORBIDDEN = 1e6


def gated_assignment(
    cost: Tensor,  # (P, D), below 1e6
    allowed: Tensor,  # (P, D) bool
) -> tuple[Tensor, Tensor]:
    """Pairs of the least total cost, the most allowed ones first.

    A pair that is not allowed is forbidden before the assignment is solved, so that
    it cannot take the place of a good pair, and left out after it.

    Returns:
        Rows and columns of the pairs, (K,) long each, rows in rising order.
    """
    none = torch.zeros(0, dtype=torch.long, device=cost.device)
    if cost.numel() == 0:
        return none, none.clone()
    gated = torch.where(allowed, cost, torch.full_like(cost, _FORBIDDEN))
    rows, columns = linear_sum_assignment(gated.detach().cpu().numpy())
    kept = allowed.cpu().numpy()[rows, columns]
    return (
        torch.as_tensor(rows[kept], dtype=torch.long, device=cost.device),
        torch.as_tensor(columns[kept], dtype=torch.long, device=cost.device),
    )
