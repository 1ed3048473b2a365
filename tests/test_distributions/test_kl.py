import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Laplace, Normal, kl_divergence

from mmvist.distributions import GroupedNormal, kl, kl_to_standard_normal


@pytest.fixture(autouse=True, params=[1, kl.MANY], ids=['many', 'few'])
def of_many_or_few_variables(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either way of the KL, whatever the number of variables in a test."""
    monkeypatch.setattr(kl, 'MANY', request.param)


def posterior(sizes: int | list[int], rho: list[float]) -> GroupedNormal:
    generator = torch.Generator().manual_seed(len(rho))
    variables = sizes * len(rho) if isinstance(sizes, int) else sum(sizes)

    def uniform() -> Tensor:
        return torch.rand(variables, generator=generator, dtype=torch.float64)

    rho = torch.tensor(rho, dtype=torch.float64)
    return GroupedNormal(2 * uniform() - 1, uniform() + 0.5, rho, sizes)


@pytest.mark.parametrize(
    ('sizes', 'rho'),
    [(5, [0.3]), (4, [0.9, -0.3, 0.0]), ([3, 1, 6], [-0.4, 0.5, 0.7])],
)
def test_theorem_2_as_the_paper_writes_it(
    sizes: int | list[int], rho: list[float]
) -> None:
    q = posterior(sizes, rho)
    minus_kl = torch.zeros((), dtype=torch.float64)
    for m, d in enumerate(q.groups.sizes):
        r = q.rho[m] if d > 1 else torch.zeros(())
        minus_kl += 0.5 * ((d - 1) * torch.log(1 - r) + torch.log(r * d + 1 - r))
    for mu, sigma in zip(q.loc, q.scale):
        minus_kl += 0.5 * (1 + torch.log(sigma**2) - mu**2 - sigma**2)
    standard = Independent(Normal(torch.zeros_like(q.loc), torch.ones_like(q.loc)), 1)
    for result in (kl_to_standard_normal(q), kl_divergence(q, standard)):
        torch.testing.assert_close(-result, minus_kl, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('sizes', [3, [2, 4]])
def test_correlated_standard_prior_is_the_registered_kl(sizes: int | list[int]) -> None:
    q = posterior(sizes, [0.4, -0.2])
    rho = torch.tensor([0.1, 0.6], dtype=torch.float64)
    p = GroupedNormal(torch.zeros_like(q.loc), torch.ones_like(q.loc), rho, sizes)
    torch.testing.assert_close(kl_to_standard_normal(q, rho), kl_divergence(q, p))
    none = torch.zeros_like(rho)
    torch.testing.assert_close(
        kl_to_standard_normal(q, none), kl_to_standard_normal(q), rtol=1e-12, atol=0
    )


def test_small_divergences_keep_their_digits_in_float32() -> None:
    """A posterior close to the prior, as training begins and may collapse."""
    torch.manual_seed(0)
    loc, scale = 1e-2 * torch.randn(4096), 1 + 1e-2 * torch.randn(4096)
    q = GroupedNormal(loc, scale, torch.full((4,), 1e-3), 1024)
    wide = GroupedNormal(loc.double(), scale.double(), q.rho.double(), 1024)
    expected = kl_to_standard_normal(wide)
    torch.testing.assert_close(
        kl_to_standard_normal(q).double(), expected, rtol=2e-3, atol=0
    )
    near = torch.full((4,), 1.1e-3)
    torch.testing.assert_close(
        kl_to_standard_normal(q, near).double() / 4096,
        kl_to_standard_normal(wide, near.double()) / 4096,
        rtol=0,
        atol=1e-6,
    )


def test_kl_broadcasts_batches() -> None:
    q = posterior(3, [0.4, -0.2]).expand((5, 1))
    p = posterior(3, [0.1, 0.3]).expand((4,))
    single = kl_divergence(posterior(3, [0.4, -0.2]), posterior(3, [0.1, 0.3]))
    torch.testing.assert_close(kl_divergence(q, p), single.expand(5, 4))


def test_errors() -> None:
    q = posterior(3, [0.4, -0.2])
    with pytest.raises(ValueError, match='2 groups of 3 and 3 groups of 2'):
        kl_divergence(q, posterior(2, [0.1, 0.1, 0.1]))
    with pytest.raises(ValueError, match='same variables on both sides, got 6 and 4'):
        kl_divergence(q, Independent(Normal(torch.zeros(4), torch.ones(4)), 1))
    other = Independent(Laplace(torch.zeros(6), torch.ones(6)), 1)
    with pytest.raises(NotImplementedError, match='Independent.Normal'):
        kl_divergence(q, other)
    two = Independent(Normal(torch.zeros(1, 6), torch.ones(1, 6)), 2)
    with pytest.raises(NotImplementedError, match='Independent.Normal'):
        kl_divergence(two, q)


@pytest.mark.parametrize('batch', [(), (2,)])
def test_the_derivatives_written_out_are_those_of_autograd(batch: tuple) -> None:
    generator = torch.Generator().manual_seed(0)

    def kl_of(loc: Tensor, scale: Tensor, rho: Tensor) -> Tensor:
        return kl_to_standard_normal(GroupedNormal(loc, scale, rho, 3))

    weights = [
        torch.rand(*batch, n, generator=generator, dtype=torch.float64)
        .mul(0.4)
        .add(0.3)
        .requires_grad_()
        for n in (6, 6, 2)
    ]
    assert torch.autograd.gradcheck(kl_of, weights)
    assert torch.autograd.gradgradcheck(kl_of, weights)
    slopes = tuple(torch.rand_like(one) for one in weights)
    _, forward = torch.func.jvp(kl_of, tuple(weights), slopes)
    gradients = torch.autograd.grad(kl_of(*weights).sum(), weights)
    backward = sum((one * two).sum() for one, two in zip(gradients, slopes))
    torch.testing.assert_close(forward.sum(), backward)
    if batch:
        mapped = torch.vmap(kl_of)(*weights)
        torch.testing.assert_close(mapped, kl_of(*weights))


def test_many_variables_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    apply = kl._Excess.apply
    monkeypatch.setattr(
        kl._Excess, 'apply', lambda *args: calls.append(1) or apply(*args)
    )
    monkeypatch.setattr(kl, 'MANY', 8)
    for sizes, short in ((3, 0), (4, 1)):
        kl_to_standard_normal(posterior(sizes, [0.1, 0.2]))
        assert len(calls) == short
