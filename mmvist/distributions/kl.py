"""Kullback-Leibler divergences of GroupedNormal, all in O(J).

VAE-VIST paper, Theorem 2. What differs: the prior may be correlated too, and
have any means and scales; against N(0, I) the result is eq. (3).
"""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, register_kl

from .equicorrelation import eigenvalues, log_determinant
from .grouped_normal import GroupedNormal

MANY = 20_000
"""Variables from which on passes over them cost more than calls."""


def kl_to_standard_normal(q: GroupedNormal, rho: Tensor | None = None) -> Tensor:
    r"""KL, (...), from q to zero means and unit scales.

    Without ``rho`` the other side is N(0, I), and this is minus eq. (3) of the
    VAE-VIST paper:

    .. math::
        -\frac12 \sum_m \left[(d_m - 1) \log(1 - \rho_m)
            + \log(\rho_m d_m + 1 - \rho_m)\right]
        - \frac12 \sum_j \left[1 + \log\sigma_j^2 - \mu_j^2 - \sigma_j^2\right]

    Args:
        q: The distribution in the expectation.
        rho: Correlations of the other side in the groups of q, (..., k).
    """
    if rho is None:
        return _kl_to_uncorrelated(q, q.loc, q.scale)
    return _kl_to_correlated(q, q.loc, q.scale, rho)


@register_kl(GroupedNormal, GroupedNormal)
def _kl_grouped_grouped(q: GroupedNormal, p: GroupedNormal) -> Tensor:
    if q.groups != p.groups:
        raise ValueError(
            f'KL needs the same groups on both sides, got {q.groups} and {p.groups}'
        )
    y = (q.loc - p.loc) / p.scale
    return _kl_to_correlated(q, y, q.scale / p.scale, p.rho)


@register_kl(GroupedNormal, Independent)
def _kl_grouped_independent(q: GroupedNormal, p: Independent) -> Tensor:
    normal = _base_normal(p, q)
    y = (q.loc - normal.loc) / normal.scale
    return _kl_to_uncorrelated(q, y, q.scale / normal.scale)


@register_kl(Independent, GroupedNormal)
def _kl_independent_grouped(q: Independent, p: GroupedNormal) -> Tensor:
    normal = _base_normal(q, p)
    rho = p.rho.new_zeros(p.groups.num_groups)
    grouped = GroupedNormal(
        normal.loc, normal.scale, rho, p.group_sizes, validate_args=False
    )
    return _kl_grouped_grouped(grouped, p)


def _kl_to_correlated(
    q: GroupedNormal, loc: Tensor, scale: Tensor, rho: Tensor
) -> Tensor:
    """KL of q's correlations with these means and scales to (0, 1, rho)."""
    groups = q.groups
    loc_mean, loc_squares = groups.mean_and_squares(groups.fold(loc))
    scale_mean, scale_squares = groups.mean_and_squares(groups.fold(scale))
    q_across, q_along = eigenvalues(q.rho, groups)
    p_across, p_along = eigenvalues(rho, groups)
    d, power = groups.counts(q_along), scale_mean.square()
    # trace(P^-1 S Q S) + loc^T P^-1 loc, split into the directions across and
    # along the group's mean; no term is negative, so nothing cancels
    across = scale_squares * (d - q_across) / d + (d - 1) * q_across * power
    along = scale_squares * q_across / d + q_along * power
    across = (across + loc_squares) / p_across
    along = (along + d * loc_mean.square()) / p_along
    logdet = log_determinant(rho, groups) - log_determinant(q.rho, groups)
    half = 0.5 * ((across + along - d).sum(-1) + logdet)
    return half.to(scale.dtype) - scale.log().sum(-1)


def _kl_to_uncorrelated(q: GroupedNormal, loc: Tensor, scale: Tensor) -> Tensor:
    """KL to N(0, I) of q's correlations with these means and scales."""
    many = loc.numel() >= MANY
    excess = _Excess.apply(loc, scale) if many else _excess(loc, scale)
    return 0.5 * (excess - log_determinant(q.rho, q.groups).to(excess.dtype))


def _excess(loc: Tensor, scale: Tensor) -> Tensor:
    """Twice the KL without correlations, (...); of each variable first, so that
    nothing cancels between sums."""
    terms = torch.addcmul(loc.square(), scale, scale)
    return terms.sub_(1).sub_(scale.log(), alpha=2).sum(-1)


class _Excess(torch.autograd.Function):
    """:func:`_excess` of two alike in shape, with its derivative written out.

    That is half the passes over J of autograd's, and a call that takes longer: not for
    few variables.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(loc: Tensor, scale: Tensor) -> Tensor:
        return _excess(loc, scale)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx: Any, loc_slope: Tensor, scale_slope: Tensor) -> Tensor:
        loc, scale = ctx.saved_tensors
        slope = torch.addcmul(loc * loc_slope, scale - scale.reciprocal(), scale_slope)
        return 2 * slope.sum(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        loc, scale = ctx.saved_tensors
        grad = 2 * grad.unsqueeze(-1)
        return loc * grad, (scale - scale.reciprocal()) * grad


def _base_normal(independent: Independent, grouped: GroupedNormal) -> Normal:
    base: Any = independent.base_dist
    if not isinstance(base, Normal) or independent.reinterpreted_batch_ndims != 1:
        raise NotImplementedError(
            'KL with a GroupedNormal is known for Independent(Normal(...), 1), '
            f'not for {independent}'
        )
    if independent.event_shape != grouped.event_shape:
        raise ValueError(
            f'KL needs the same variables on both sides, got {grouped.event_shape[0]} '
            f'and {independent.event_shape[0]}'
        )
    return base
