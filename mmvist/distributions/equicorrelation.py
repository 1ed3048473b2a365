"""Correlation matrices (1 - rho) I + rho 1 1^T of the groups, never formed.

VAE-VIST paper, Lemma 1 and eq. (2). What differs: the lower bound -1/(d - 1)
of a correlation, which the paper leaves out.
"""

import torch
from torch import Tensor
from torch.distributions import constraints

from .groups import Groups


class GroupCorrelation(constraints.Constraint):
    """-1/(d - 1) < rho < 1 in each group; any rho where the size d is 1."""

    event_dim = 1

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    def check(self, value: Tensor) -> Tensor:
        """Whether each vector (..., k) of correlations is valid, (...)."""
        across, along = eigenvalues(value, self.groups)
        return ((across > 0) & (along > 0)).all(-1)

    def __repr__(self) -> str:
        return f'GroupCorrelation(-1/(d - 1) < rho < 1, {self.groups})'


def eigenvalues(rho: Tensor, groups: Groups) -> tuple[Tensor, Tensor]:
    """Of the correlation matrices: 1 - rho and 1 + (d - 1) rho, (..., k).

    The first belongs to the d - 1 directions that leave the group's mean as
    it is, the second to the mean. Both are float64: the second cancels near
    the lower bound of rho. Where d = 1 both are 1, with a zero gradient.
    """
    across, along = _both(rho, groups).unbind(-1)
    return across, along


def roots(rho: Tensor, groups: Groups, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Square roots of :func:`eigenvalues` in another type, (..., k)."""
    across, along = _both(rho, groups).sqrt().to(dtype).unbind(-1)
    return across, along


def log_determinant(rho: Tensor, groups: Groups) -> Tensor:
    """Log of the product over groups in eq. (2), (...), float64."""
    both = _both(rho, groups)
    return (both.log() * groups.eigenvalue_counts(both)).sum((-2, -1))


def _both(rho: Tensor, groups: Groups) -> Tensor:
    """(..., k, 2): as one tensor, since groups are few and each operation counts."""
    rho = rho.to(precise_dtype(rho.device)).unsqueeze(-1)
    if groups.smallest == 1:
        # whatever it is there, infinite too
        rho = rho.masked_fill(groups.eigenvalue_slopes(rho)[:, 1:] == 0, 0.0)
    return 1 + rho * groups.eigenvalue_slopes(rho)


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    """The type itself, or float32 for half precision."""
    return torch.promote_types(dtype, torch.float32)


def precise_dtype(device: torch.device) -> torch.dtype:
    """float64, or float32 where the device has no better (Apple's MPS)."""
    return torch.float32 if device.type == 'mps' else torch.float64
