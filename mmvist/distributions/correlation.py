"""Unconstrained numbers to valid correlations of a group, and back.

Not in the VAE-VIST paper, whose network "generates a vector of correlations"
without saying how they stay valid.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from .equicorrelation import at_least_float32, precise_dtype

#: Both eigenvalues 1 - rho and 1 + (d - 1) rho of a mapped correlation are at
#: least this (to float32 rounding), which bounds the gradients of a KL.
CORRELATION_MARGIN = 1e-3


def correlation_from_logits(
    logits: Tensor, group_sizes: int | Sequence[int], signed: bool = True
) -> Tensor:
    r"""Map any numbers into the open interval (-1/(d - 1), 1).

    .. math:: \rho = (1 - \epsilon)(l + (1 - l)\,\mathrm{sigmoid}(x)),
        \quad l = -1/(d - 1), \quad \epsilon = 10^{-3}

    Increasing and smooth; the factor 1 - eps keeps 1 - rho >= eps and
    1 + (d - 1) rho >= eps, so that rho is inside the interval in float32 even
    where the sigmoid saturates. Above 1/d, rho hardly depends on d: a logit
    keeps its meaning when the image, and with it d, grows. Near 0 the slope is
    1/d, as steep as the KL of a group of d bears.

    Args:
        logits: Unconstrained, (..., k); any shape when ``group_sizes`` is an
            int. Half precision is taken to float32.
        group_sizes: One size d, or the k sizes. Where d is 1, l is -1 (such a
            rho is ignored).
        signed: If False, l = 0: only positive correlations.

    Returns:
        Correlations of the shape of ``logits``.
    """
    logits = logits.to(at_least_float32(logits.dtype))
    low = _lower_bound(group_sizes, signed, logits)
    return (1 - CORRELATION_MARGIN) * (low + (1 - low) * torch.sigmoid(logits))


def logits_from_correlation(
    rho: Tensor | float, group_sizes: int | Sequence[int], signed: bool = True
) -> Tensor:
    """Inverse of :func:`correlation_from_logits`, say for a head's first bias.

    Args:
        rho: Correlations, (..., k), or one number for all groups.
        group_sizes: As there.
        signed: As there.

    Returns:
        Logits of the shape of ``rho``; of shape (k,) for a number and a
        sequence of sizes, () for a number and an int.

    Raises:
        ValueError: A correlation is outside the range of the map.
    """
    rho = torch.as_tensor(rho)
    rho = rho.to(at_least_float32(rho.dtype))
    wide = rho.to(precise_dtype(rho.device))
    low = _lower_bound(group_sizes, signed, wide)
    share = (wide / (1 - CORRELATION_MARGIN) - low) / (1 - low)
    if not ((share > 0) & (share < 1)).all():
        interval = '(-1/(d - 1), 1)' if signed else '(0, 1)'
        raise ValueError(
            f'correlation {rho.tolist()} is outside {interval} of groups of '
            f'{group_sizes}, or within a margin of {CORRELATION_MARGIN} of its ends'
        )
    return torch.logit(share).to(rho.dtype)


def _lower_bound(
    group_sizes: int | Sequence[int], signed: bool, like: Tensor
) -> float | Tensor:
    """Lower end l of the interval, a number or (k,)."""
    sizes = [group_sizes] if isinstance(group_sizes, int) else list(group_sizes)
    if min(sizes, default=0) < 1:
        raise ValueError(f'group_sizes={group_sizes} must be positive')
    if not signed:
        return 0.0
    bounds = [-1 / max(size - 1, 1) for size in sizes]
    return bounds[0] if isinstance(group_sizes, int) else like.new_tensor(bounds)
