"""Normal distribution whose variables correlate equally inside groups.

The latent of the VAE-VIST paper, Lemma 1. What differs: the paper does not
say how to sample; here it is by the symmetric root of the correlation matrix.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.utils import lazy_property

from .equicorrelation import (
    GroupCorrelation,
    at_least_float32,
    eigenvalues,
    log_determinant,
    roots,
)
from .groups import Groups


class GroupedNormal(Distribution):
    r"""Normal over J variables in k independent, contiguous groups.

    Variables of group m correlate pairwise by rho_m, those of different
    groups not at all. With the correlation matrix of a group of d variables

    .. math:: R = (1 - \rho) I + \rho 1 1^T

    the covariance is scale R scale; R has the eigenvalue 1 + (d - 1) rho once,
    along the mean of the group, and 1 - rho otherwise. Every method costs time
    and memory linear in J (except ``covariance_matrix``):

    1. A sample is loc + scale * noise, where noise is the symmetric root of R
       on a standard normal vector: sqrt(1 - rho) on the deviations from the
       group's mean and sqrt(1 + (d - 1) rho) on the mean. Its gradient is
       finite at rho = 0, and rho may be negative.
    2. Densities and divergences split the same way, with centred sums.
    3. Eigenvalues are formed in float64, since 1 + (d - 1) rho cancels near
       the lower bound. Half precision arguments, as autocast makes them, are
       taken to float32 first.

    Args:
        loc: Means, (..., J).
        scale: Standard deviations, positive, (..., J).
        rho: Correlation of each group, (..., k), -1/(d - 1) < rho < 1. It is
            ignored, and gets a zero gradient, in groups of one variable.
        group_sizes: One size d for all groups, or k sizes with sum J. Equal
            sizes are the faster.
        validate_args: As in every ``torch.distributions.Distribution``; the
            check of values waits for the device, so training code turns it off.

    The batch shape is what the leading dimensions broadcast to, the event
    shape is (J,).

    Raises:
        ValueError: Shapes or group sizes do not fit, or, when validating, a
            value is outside its constraint.

    Example:
        >>> q = GroupedNormal(torch.zeros(6), torch.ones(6),
        ...                   torch.tensor([0.5, -0.2]), group_sizes=3)
        >>> q.rsample((4,)).shape
        torch.Size([4, 6])
    """

    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        scale: Tensor,
        rho: Tensor,
        group_sizes: int | Sequence[int],
        validate_args: bool | None = None,
    ) -> None:
        for name, value in (('loc', loc), ('scale', scale), ('rho', rho)):
            if value.dim() < 1 or not value.is_floating_point():
                raise ValueError(
                    f'{name} must be a floating point tensor of at least one '
                    f'dimension, got {value.dtype} of shape {tuple(value.shape)}'
                )
        if loc.shape[-1] != scale.shape[-1]:
            raise ValueError(
                f'loc has {loc.shape[-1]} variables, scale has {scale.shape[-1]}'
            )
        self.groups = Groups(group_sizes, loc.shape[-1])
        if rho.shape[-1] != self.groups.num_groups:
            raise ValueError(
                f'rho has {rho.shape[-1]} correlations, but there are '
                f'{self.groups.num_groups} groups'
            )
        try:
            batch_shape = torch.broadcast_shapes(
                loc.shape[:-1], scale.shape[:-1], rho.shape[:-1]
            )
        except RuntimeError as error:
            raise ValueError(
                f'batch shapes do not broadcast: loc {tuple(loc.shape)}, scale '
                f'{tuple(scale.shape)}, rho {tuple(rho.shape)}'
            ) from error
        dtype = at_least_float32(torch.promote_types(loc.dtype, scale.dtype))
        self.loc = _expand(loc.to(dtype), batch_shape)
        self.scale = _expand(scale.to(dtype), batch_shape)
        self.rho = _expand(rho.to(at_least_float32(rho.dtype)), batch_shape)
        if batch_shape.numel() == 0:
            validate_args = False  # PyTorch's vector constraints fail on no items
        super().__init__(batch_shape, loc.shape[-1:], validate_args=validate_args)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """Constraints of the three parameters; rho's depends on the groups."""
        return {
            'loc': constraints.real_vector,
            'scale': constraints.independent(constraints.positive, 1),
            'rho': GroupCorrelation(self.groups),
        }

    @property
    def group_sizes(self) -> int | tuple[int, ...]:
        """The size of all groups, or the k sizes where they differ."""
        return self.groups.size or self.groups.sizes

    def expand(
        self,
        batch_shape: Sequence[int],
        _instance: 'GroupedNormal | None' = None,
    ) -> 'GroupedNormal':
        """The same distribution with a larger batch shape, as views."""
        new = self._get_checked_instance(GroupedNormal, _instance)
        batch_shape = torch.Size(batch_shape)
        new.groups = self.groups
        new.loc = self.loc.expand(batch_shape + self.loc.shape[-1:])
        new.scale = self.scale.expand(batch_shape + self.scale.shape[-1:])
        new.rho = self.rho.expand(batch_shape + self.rho.shape[-1:])
        super(GroupedNormal, new).__init__(
            batch_shape, self.event_shape, validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    @property
    def mean(self) -> Tensor:
        """(..., J)."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """(..., J)."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """(..., J)."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """(..., J)."""
        return self.scale.square()

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Dense (..., J, J), for people and tests: the only method above O(J)."""
        group = self.groups.index(self.loc.device)
        same = group[:, None] == group
        rho = self.rho.to(self.loc.dtype)[..., group, None]
        correlation = torch.where(same, rho, 0.0)
        one = torch.eye(len(group), dtype=torch.bool, device=group.device)
        correlation = torch.where(one, 1.0, correlation)
        return self.scale[..., :, None] * correlation * self.scale[..., None, :]

    def rsample(
        self,
        sample_shape: Sequence[int] = torch.Size(),
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw (*sample_shape, *batch, J) with gradients to all parameters.

        Args:
            sample_shape: Of the draws.
            generator: In place of the device's own.
        """
        shape = self._extended_shape(torch.Size(sample_shape))
        groups = self.groups
        like = dict(dtype=self.loc.dtype, device=self.loc.device)
        noise = torch.randn(shape, generator=generator, **like)
        noise = groups.fold(noise)
        across, along = roots(self.rho, groups, noise.dtype)
        # along times the mean of the group and across times the distance to it
        shift = (along - across) * groups.mean(noise)
        noise = torch.addcmul(groups.spread(shift), groups.spread(across), noise)
        return torch.addcmul(self.loc, self.scale, groups.unfold(noise))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density (...) of ``value``, (..., J)."""
        if self._validate_args:
            self._validate_sample(value)
        groups = self.groups
        standard = groups.fold((value - self.loc) / self.scale)
        mean, squares = groups.mean_and_squares(standard)
        across, along = eigenvalues(self.rho, groups)
        d = groups.counts(along)
        distance = (squares / across + d * mean.square() / along).sum(-1)
        constant = self.event_shape[0] * math.log(2 * math.pi)
        logdet = log_determinant(self.rho, groups)
        log_prob = -0.5 * (constant + logdet + distance)
        return log_prob.to(standard.dtype) - self.scale.log().sum(-1)

    def entropy(self) -> Tensor:
        """Differential entropy in nats, (...); the determinant is eq. (2)."""
        constant = self.event_shape[0] * (1 + math.log(2 * math.pi))
        half = 0.5 * (constant + log_determinant(self.rho, self.groups))
        return half.to(self.scale.dtype) + self.scale.log().sum(-1)


def _expand(x: Tensor, batch_shape: torch.Size) -> Tensor:
    """To (*batch_shape, last); what has that shape is left alone, which is faster."""
    shape = batch_shape + x.shape[-1:]
    return x if x.shape == shape else x.expand(shape)
