"""KL term of a VAE whose latent variables correlate inside groups.

VAE-VIST paper, Theorem 2, eq. (3). What differs: the sum is divided by the
number J of latent variables and weighted by 0.01 with a warm-up (the paper
gives neither), and the prior may be correlated.
"""

from numbers import Real

import torch
from torch import Tensor, nn

from mmvist.distributions import (
    GroupedNormal,
    correlation_from_logits,
    kl_to_standard_normal,
    logits_from_correlation,
)
from mmvist.registry import MODELS

#: Group size at which a learned prior starts at LEARNED_START; at any larger
#: size it starts within 0.02 of it.
LEARNED_AT, LEARNED_START = 64, 0.1


@MODELS.register_module()
class GPKLLoss(nn.Module):
    r"""Weighted KL divergence of a grouped Gaussian posterior from its prior.

    .. math:: \text{loss} = w \cdot \min(1, i / i_w) \cdot
        \frac{1}{B} \sum_b \frac{1}{J} \mathrm{KL}(q_b \,\|\, p)

    The prior has zero means, unit scales and one correlation for all groups.
    With ``prior_rho=0`` it is the paper's N(0, I) and the KL is eq. (3), in
    which nothing rewards a correlation; a correlated prior keeps the
    posterior's rho from decaying to 0. Works in any model of MMEngine: all it
    is given is a distribution.

    Args:
        prior_rho: 0, another correlation valid for every group size met, or
            'learned': one parameter, an unconstrained logit (initial rho 0.1
            in groups of 64), since the size of a group, and with it the lower
            bound of rho, may change with the image.
        loss_weight: Weight w after the warm-up.
        warmup_iters: Training calls i_w over which the weight grows linearly;
            0 for none. Calls are counted in the persistent buffer
            ``num_calls``, in training mode only, so that a resumed run goes on
            where it stopped and evaluation changes nothing (it uses the weight
            of the last training call).
        reduction: 'per_latent' divides by J, so that the loss does not grow
            with the image; 'sum' does not, as in the paper. Both take the
            mean over the batch.

    Example:
        >>> loss = GPKLLoss(prior_rho='learned', warmup_iters=1000)
        >>> q = GroupedNormal(mu.flatten(1), sigma.flatten(1), rho,
        ...                   group_sizes=h * w)  # one group per channel
        >>> loss(q).backward()
    """

    def __init__(
        self,
        prior_rho: float | str = 0,
        loss_weight: float = 0.01,
        warmup_iters: int = 0,
        reduction: str = 'per_latent',
    ) -> None:
        super().__init__()
        self.learned = prior_rho == 'learned'
        if not self.learned and not (
            isinstance(prior_rho, Real) and abs(prior_rho) < 1
        ):
            raise ValueError(
                "prior_rho must be a correlation between -1 and 1 or 'learned', "
                f'got {prior_rho!r}'
            )
        if reduction not in ('per_latent', 'sum'):
            raise ValueError(
                f"reduction must be 'per_latent' or 'sum', got {reduction!r}"
            )
        if warmup_iters < 0:
            raise ValueError(f'warmup_iters must not be negative, got {warmup_iters}')
        self.prior_rho = prior_rho
        self.loss_weight = loss_weight
        self.warmup_iters = warmup_iters
        self.reduction = reduction
        if self.learned:
            start = logits_from_correlation(LEARNED_START, LEARNED_AT)
            self.prior_logit = nn.Parameter(start)
        self.num_calls: Tensor
        self.register_buffer('num_calls', torch.zeros((), dtype=torch.long))

    def forward(self, posterior: GroupedNormal) -> Tensor:
        """The weighted loss, a scalar; 0 for an empty batch.

        Args:
            posterior: Of any batch shape, J variables in groups. In VAE-VIST
                a group is one latent channel with its h * w positions.

        Raises:
            TypeError: ``posterior`` is no GroupedNormal.
            ValueError: ``prior_rho`` is not above -1/(d - 1) in some group.
        """
        if not isinstance(posterior, GroupedNormal):
            raise TypeError(
                f'GPKLLoss takes a GroupedNormal, got {type(posterior).__name__}'
            )
        kl = self.divergence(posterior)
        if self.reduction == 'per_latent':
            kl = kl / posterior.event_shape[0]
        mean = kl.sum() / max(kl.numel(), 1)
        if self.training:
            self.num_calls += 1
        return self.loss_weight * self.warmup_factor() * mean

    def divergence(self, posterior: GroupedNormal) -> Tensor:
        """KL in nats of each item, of the batch shape; no weight, not over J."""
        if not self.learned and self.prior_rho == 0:
            return kl_to_standard_normal(posterior)
        return kl_to_standard_normal(posterior, self.prior_correlation(posterior))

    def prior_correlation(self, posterior: GroupedNormal) -> Tensor:
        """The prior's rho in each group of ``posterior``, (k,); worth logging."""
        groups = posterior.groups
        if self.learned:
            logits = self.prior_logit.expand(groups.num_groups)
            return correlation_from_logits(logits, posterior.group_sizes)
        rho = float(self.prior_rho)
        if 1 + (groups.largest - 1) * rho <= 0:
            raise ValueError(
                f'prior_rho={rho} is not above -1/(d - 1) in groups of '
                f'd={groups.largest}'
            )
        return posterior.loc.new_full((groups.num_groups,), rho)

    def warmup_factor(self) -> Tensor | float:
        """Share of the weight in force, 0 to 1, a scalar on the device."""
        if self.warmup_iters == 0:
            return 1.0
        return (self.num_calls / self.warmup_iters).clamp(max=1)

    def extra_repr(self) -> str:
        """The arguments, for ``print``."""
        return (
            f'prior_rho={self.prior_rho!r}, loss_weight={self.loss_weight}, '
            f'warmup_iters={self.warmup_iters}, reduction={self.reduction!r}'
        )


def kl_losses(kl_loss: nn.Module, posterior: GroupedNormal) -> dict[str, Tensor]:
    """The KL of a step and what is logged beside it.

    Args:
        kl_loss: Such as :class:`GPKLLoss`.
        posterior: q(z).

    Returns:
        ``loss_kl``; and without gradient the means of ``rho``, ``abs_rho`` and
        ``sigma``, with a learned prior ``prior_rho``.
    """
    logged = dict(
        loss_kl=kl_loss(posterior),
        rho=posterior.rho.detach().mean(),
        abs_rho=posterior.rho.detach().abs().mean(),
        sigma=posterior.scale.detach().mean(),
    )
    if getattr(kl_loss, 'learned', False):
        logged['prior_rho'] = kl_loss.prior_correlation(posterior).detach().mean()
    return logged
