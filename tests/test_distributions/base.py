"""What every distribution over a vector must share with its dense truth.

A subclass makes the distribution from leaf tensors (`create`) and writes down
its covariance by hand (`dense`); the checks compare with PyTorch's
MultivariateNormal, in value and in every gradient.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

Parameters = dict[str, Tensor]


def relative_error(result: Tensor, truth: Tensor) -> float:
    """Largest difference, relative to max(1, |truth|)."""
    assert result.shape == truth.shape
    truth = truth.double()
    return ((result.double() - truth).abs() / truth.abs().clamp(min=1)).max().item()


def check(result: Tensor, truth: Tensor, tolerance: float) -> None:
    error = relative_error(result, truth)
    assert error <= tolerance, f'relative error {error:.1e} above {tolerance:.1e}'


def gradients(values: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Gradients of a sum with different weights on the batch items."""
    weights = torch.linspace(0.5, 1.5, values.numel(), dtype=values.dtype)
    total = (weights.view_as(values) * values).sum()
    # the truth need not depend on all (a correlation of one variable)
    return list(torch.autograd.grad(total, leaves, materialize_grads=True))


class DistributionConformance:
    """Base of a test class; `parameters` draws two different sets by seed."""

    tolerance = 1e-10
    #: tolerance of gradients, where they differ
    gradient_tolerance = 1e-10

    def parameters(self, seed: int) -> Parameters:
        """Leaves in float64."""
        raise NotImplementedError

    def create(self, parameters: Parameters) -> Distribution:
        """The distribution under test."""
        raise NotImplementedError

    def dense(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Mean (*batch, J) and covariance (*batch, J, J), by definition."""
        raise NotImplementedError

    def cast(self, parameters: Parameters) -> Parameters:
        """The parameters in the precision under test; a subclass may lower it."""
        return parameters

    def leaves(self, seed: int) -> Parameters:
        found = self.cast(self.parameters(seed))
        return {name: x.detach().requires_grad_() for name, x in found.items()}

    def wide(self, parameters: Parameters) -> Parameters:
        """The same numbers as leaves in float64."""
        return {n: x.detach().double().requires_grad_() for n, x in parameters.items()}

    def truth(self, parameters: Parameters) -> MultivariateNormal:
        return MultivariateNormal(*self.dense(parameters))

    def compare(
        self,
        result: Callable[[list[Parameters]], Tensor],
        truth: Callable[[list[Parameters]], Tensor],
        *arguments: Parameters,
    ) -> None:
        """Values and the gradients to every tensor of the arguments."""
        wide = [self.wide(argument) for argument in arguments]
        values, expected = result(list(arguments)), truth(wide)
        check(values, expected, self.tolerance)
        here = [x for argument in arguments for x in argument.values()]
        there = [x for argument in wide for x in argument.values()]
        for got, want in zip(gradients(values, here), gradients(expected, there)):
            check(got, want, self.gradient_tolerance)

    def normal(self, seed: int) -> Parameters:
        """Leaves of an independent normal of the same shape."""
        found = self.leaves(seed)
        return {'loc': found['loc'], 'scale': found['scale']}

    def test_shapes(self) -> None:
        q = self.create(self.leaves(0))
        mean, covariance = self.dense(self.parameters(0))
        assert q.batch_shape + q.event_shape == mean.shape
        assert q.mean.shape == q.variance.shape == q.stddev.shape == mean.shape
        assert q.rsample((2, 3)).shape == (2, 3) + mean.shape
        assert q.log_prob(q.sample((5,))).shape == (5,) + mean.shape[:-1]
        assert q.entropy().shape == mean.shape[:-1]
        check(q.mean, mean, self.tolerance)
        variance = covariance.diagonal(dim1=-2, dim2=-1)
        check(q.variance, variance, self.tolerance)
        check(q.stddev, variance.sqrt(), self.tolerance)

    def test_covariance_matrix(self) -> None:
        q, truth = self.create(self.leaves(0)), self.dense(self.parameters(0))[1]
        check(q.covariance_matrix, truth, self.tolerance)

    def test_log_prob(self) -> None:
        torch.manual_seed(0)
        leaves = self.leaves(0)
        value = self.create(leaves).sample((2,)).requires_grad_()
        self.compare(
            lambda a: self.create(a[0]).log_prob(a[1]['value']),
            lambda a: self.truth(a[0]).log_prob(a[1]['value']),
            leaves,
            {'value': value},
        )

    def test_entropy(self) -> None:
        leaves = self.leaves(0)
        shape = [name for name in leaves if name != 'loc']
        q, truth = self.create(leaves), self.wide(leaves)
        expected = self.truth(truth).entropy()
        check(q.entropy(), expected, self.tolerance)
        got = gradients(q.entropy(), [leaves[n] for n in shape])
        want = gradients(expected, [truth[n] for n in shape])
        for a, b in zip(got, want):
            check(a, b, self.gradient_tolerance)

    def test_kl_to_own_kind(self) -> None:
        self.compare(
            lambda a: kl_divergence(self.create(a[0]), self.create(a[1])),
            lambda a: kl_divergence(self.truth(a[0]), self.truth(a[1])),
            self.leaves(0),
            self.leaves(1),
        )

    def test_kl_to_independent_normal(self) -> None:
        self.compare(
            lambda a: kl_divergence(self.create(a[0]), independent(a[1])),
            lambda a: kl_divergence(self.truth(a[0]), diagonal(a[1])),
            self.leaves(0),
            self.normal(1),
        )

    def test_kl_from_independent_normal(self) -> None:
        self.compare(
            lambda a: kl_divergence(independent(a[0]), self.create(a[1])),
            lambda a: kl_divergence(diagonal(a[0]), self.truth(a[1])),
            self.normal(1),
            self.leaves(0),
        )

    def test_kl_to_itself_is_zero(self) -> None:
        q = self.create(self.leaves(0))
        zero = torch.zeros(q.batch_shape)
        check(kl_divergence(q, q), zero, self.tolerance)

    def test_expand(self) -> None:
        leaves = self.leaves(0)
        q = self.create(leaves)
        larger = q.expand((3,) + q.batch_shape)
        value = q.sample((3,))
        assert type(larger) is type(q)
        assert larger.batch_shape == (3,) + q.batch_shape
        assert larger.rsample((2,)).shape == (2, 3) + q.batch_shape + q.event_shape
        torch.testing.assert_close(larger.log_prob(value), q.log_prob(value))
        entropy = q.entropy().expand(larger.batch_shape)
        torch.testing.assert_close(larger.entropy(), entropy)
        torch.testing.assert_close(kl_divergence(larger, q), torch.zeros_like(entropy))

    def test_rsample_has_the_covariance_of_its_root(self) -> None:
        """The map from noise to sample is linear: its matrix A has A A^T = cov."""
        q = self.create(self.leaves(0))
        torch.manual_seed(3)
        draws = 4 * q.event_shape[0]
        noise = torch.randn((draws,) + q.mean.shape, dtype=q.mean.dtype)
        torch.manual_seed(3)
        deviation = (q.rsample((draws,)) - q.mean).detach().double()
        noise, deviation = noise.double().movedim(0, -2), deviation.movedim(0, -2)
        root = torch.linalg.lstsq(noise, deviation).solution.mT
        covariance = self.dense(self.wide(self.leaves(0)))[1].detach()
        check(root @ root.mT, covariance, self.tolerance)
        check(noise @ root.mT, deviation, self.tolerance)


def independent(parameters: Parameters) -> Independent:
    return Independent(Normal(parameters['loc'], parameters['scale']), 1)


def diagonal(parameters: Parameters) -> MultivariateNormal:
    return MultivariateNormal(
        parameters['loc'], torch.diag_embed(parameters['scale'].square())
    )
