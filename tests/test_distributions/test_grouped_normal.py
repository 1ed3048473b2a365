import copy
import math
import pickle

import pytest
import torch
from test_distributions.base import (
    DistributionConformance,
    Parameters,
    relative_error,
)
from torch import Tensor
from torch.distributions import kl_divergence
from torch.utils._python_dispatch import TorchDispatchMode

from mmvist.distributions import GroupedNormal, correlation_from_logits
from mmvist.distributions.equicorrelation import precise_dtype
from mmvist.distributions.groups import Groups


def dense_covariance(scale: Tensor, rho: Tensor, sizes: list[int]) -> Tensor:
    """S R S, entry by entry as Lemma 1 of the VAE-VIST paper defines it."""
    group = [m for m, size in enumerate(sizes) for _ in range(size)]
    batch = torch.broadcast_shapes(scale.shape[:-1], rho.shape[:-1])
    rows = []
    for i, m in enumerate(group):
        row = []
        for j, n in enumerate(group):
            same = scale.new_ones(batch) if i == j else rho[..., m].expand(batch)
            same = same if m == n else scale.new_zeros(batch)
            row.append(same * scale[..., i] * scale[..., j])
        rows.append(torch.stack(row, -1))
    return torch.stack(rows, -2)


class GroupedNormalCase(DistributionConformance):
    """Four items of a batch: rho = 0, inside, and ``distance`` from each bound.

    The means are at most half a unit apart from 0. Further out, the rounding
    of the dense reference itself passes 1e-10 in the gradient of a KL to its
    second scale: in 50-digit arithmetic GroupedNormal is right to 1e-13 there.
    """

    sizes: list[int] = [3, 3]
    group_sizes: int | list[int] = 3
    distance = 1e-3

    def parameters(self, seed: int) -> Parameters:
        generator = torch.Generator().manual_seed(seed)
        k, variables = len(self.sizes), sum(self.sizes)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, dtype=torch.float64)

        low = torch.tensor([-1 / max(d - 1, 1) for d in self.sizes]).double()
        inside = low + (1 - low) * (0.2 + 0.6 * uniform(k))
        rho = [inside, low + self.distance, torch.full_like(low, 1 - self.distance)]
        return {
            'loc': uniform(4, variables) - 0.5,
            'scale': 0.5 + uniform(4, variables),
            'rho': torch.stack([torch.zeros_like(low), *rho]),
        }

    def create(self, parameters: Parameters) -> GroupedNormal:
        return GroupedNormal(**parameters, group_sizes=self.group_sizes)

    def dense(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        covariance = dense_covariance(
            parameters['scale'], parameters['rho'], self.sizes
        )
        batch = covariance.shape[:-1]
        return parameters['loc'].expand(batch), covariance


class TestEqualGroups(GroupedNormalCase):
    pass


class TestPairs(GroupedNormalCase):
    """Lower bound -1, the furthest there is."""

    sizes, group_sizes = [2, 2, 2], 2


class TestOneGroup(GroupedNormalCase):
    sizes, group_sizes = [7], 7


class TestUnequalGroups(GroupedNormalCase):
    """A group of one among them: its rho gets the gradient 0."""

    sizes = group_sizes = [4, 1, 2, 5]


class TestSingleVariables(GroupedNormalCase):
    sizes, group_sizes = [1, 1, 1], 1


class TestBroadcasting(GroupedNormalCase):
    """loc (J,), scale (2, 1, J), rho (4, k): batch shape (2, 4)."""

    def parameters(self, seed: int) -> Parameters:
        found = super().parameters(seed)
        scale = found['scale'][:2, None]
        return {'loc': found['loc'][0], 'scale': scale, 'rho': found['rho']}


class TestFloat32(GroupedNormalCase):
    """Same distance, 1e-3 from both bounds, values to 5e-6, gradients to 1e-3.

    Rounding rho itself to float32 is not counted: the truth takes the numbers
    as they are. What is left is the rounding of means and deviations, which
    the smallest eigenvalue divides.
    """

    sizes = group_sizes = [16, 3, 8]
    tolerance = 5e-6
    gradient_tolerance = 1e-3

    def cast(self, parameters: Parameters) -> Parameters:
        return {name: x.float() for name, x in parameters.items()}


class TestFloat32EqualGroups(TestFloat32):
    sizes, group_sizes = [8, 8], 8


class TestFloat32NearBounds(TestFloat32):
    """1e-5 from both bounds in float32: values to 1e-4, gradients to 1e-2."""

    sizes, group_sizes = [8, 8], 8
    distance = 1e-5
    tolerance = 1e-4
    gradient_tolerance = 1e-2


class TestNearBounds(GroupedNormalCase):
    """1e-6 from both bounds in float64, where the reference is no better."""

    sizes, group_sizes = [5, 5], 5
    distance = 1e-6
    tolerance = 1e-7
    gradient_tolerance = 1e-7


def random_normal(
    group_sizes: int | list[int] = 3,
    variables: int = 6,
    rho: float | list[float] = 0.3,
    **options: object,
) -> GroupedNormal:
    k = Groups(group_sizes, variables).num_groups
    generator = torch.Generator().manual_seed(7)
    loc = torch.randn(variables, generator=generator)
    scale = torch.rand(variables, generator=generator) + 0.5
    correlations = torch.as_tensor(rho).expand(k)
    return GroupedNormal(loc, scale, correlations, group_sizes, **options)


@pytest.mark.parametrize('rho', [[0.8, -0.45], [0.0, 0.999], [-0.499, 0.3]])
def test_sample_covariance(rho: list[float]) -> None:
    """40,000 draws; five standard errors of an entry, which is s_i s_j sqrt(2/n)."""
    torch.manual_seed(0)
    q = random_normal(rho=rho)
    draws = q.sample((40_000,))
    error = torch.cov(draws.T) - q.covariance_matrix
    standard = q.scale[:, None] * q.scale * (2 / len(draws)) ** 0.5
    assert (error.abs() < 5 * standard).all()
    mean_error = (draws.mean(0) - q.loc).abs()
    assert (mean_error < 5 * q.scale / len(draws) ** 0.5).all()


@pytest.mark.parametrize('sizes', [[3, 3], [4, 1, 2]])
def test_determinant_of_lemma_1(sizes: list[int]) -> None:
    """Eq. (2): the product of sigma^2 and, over groups, of both eigenvalues."""
    variables = sum(sizes)
    scale = torch.rand(variables, dtype=torch.float64) + 0.5
    rho = torch.tensor([0.7, -0.3, 0.2], dtype=torch.float64)[: len(sizes)]
    q = GroupedNormal(torch.zeros_like(scale), scale, rho, sizes)
    literal = scale.square().prod()
    for m, d in enumerate(sizes):
        literal = literal * (1 - rho[m]) ** (d - 1) * (rho[m] * d + 1 - rho[m])
    torch.testing.assert_close(torch.linalg.det(q.covariance_matrix), literal)
    constant = variables * (1 + math.log(2 * math.pi))
    torch.testing.assert_close((2 * q.entropy() - constant).exp(), literal)


def test_rsample_gradient_of_a_seeded_draw() -> None:
    """Finite differences of z in every parameter, at rho = 0 and below."""
    torch.manual_seed(0)
    loc = torch.randn(7, dtype=torch.float64, requires_grad=True)
    scale = (torch.rand(7, dtype=torch.float64) + 0.5).requires_grad_()
    rho = torch.tensor([0.0, -0.4, 0.9], dtype=torch.float64, requires_grad=True)

    def draw(loc: Tensor, scale: Tensor, rho: Tensor) -> Tensor:
        torch.manual_seed(5)
        return GroupedNormal(loc, scale, rho, [2, 3, 2]).rsample((3,))

    assert torch.autograd.gradcheck(draw, (loc, scale, rho))


@pytest.mark.parametrize('group_sizes', [3, [2, 4]])
def test_second_derivatives(group_sizes: int | list[int]) -> None:
    def both(loc: Tensor, scale: Tensor, rho: Tensor) -> Tensor:
        q = GroupedNormal(loc, scale, rho, group_sizes)
        p = GroupedNormal(scale, 1 + loc.square(), rho / 2, group_sizes)
        return kl_divergence(q, p) + q.log_prob(torch.ones_like(loc))

    torch.manual_seed(0)
    loc = torch.randn(6, dtype=torch.float64, requires_grad=True)
    scale = (torch.rand(6, dtype=torch.float64) + 0.5).requires_grad_()
    rho = torch.tensor([0.4, -0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(both, (loc, scale, rho))


def test_gradients_are_finite_at_zero_and_at_the_ends_of_the_map() -> None:
    logits = torch.tensor([-1e4, -30.0, 0.0, 30.0, 1e4], requires_grad=True)
    loc = torch.full((5 * 64,), 1.5, requires_grad=True)
    q = GroupedNormal(loc, loc, correlation_from_logits(logits, 64), 64)
    zero = GroupedNormal(loc, loc, torch.zeros(5, requires_grad=True), 64)
    total = kl_divergence(q, zero) + kl_divergence(zero, q) + zero.rsample().sum()
    total = total + q.rsample().sum() + q.log_prob(torch.zeros(320)) + q.entropy()
    for gradient in torch.autograd.grad(total, [loc, logits, zero.rho]):
        assert gradient.isfinite().all()


def test_centred_sums_survive_an_offset() -> None:
    """sum(x^2) - d mean^2 would be wrong in the third digit here."""
    torch.manual_seed(0)
    loc, rho = 100 + torch.randn(256), torch.tensor([0.9999])
    p = GroupedNormal(torch.zeros(256), torch.ones(256), rho, 256)
    wide = GroupedNormal(p.loc.double(), p.scale.double(), rho.double(), 256)
    expected = wide.log_prob(loc.double())
    assert relative_error(p.log_prob(loc), expected) < 1e-6


def test_rho_is_ignored_in_single_variables() -> None:
    rho = torch.tensor([7.0, 0.3, float('nan')], requires_grad=True)
    q = GroupedNormal(torch.zeros(4), torch.ones(4), rho, [1, 2, 1])
    value = torch.tensor([0.5, 1.0, -1.0, 2.0])
    total = q.log_prob(value) + q.entropy() + q.rsample().sum()
    (gradient,) = torch.autograd.grad(total, rho)
    assert total.isfinite() and gradient[1] != 0
    assert gradient[0] == gradient[2] == 0
    plain = GroupedNormal(torch.zeros(4), torch.ones(4), rho[1:2].expand(2), 2)
    # variables 1 and 2 are one pair in q, and not in plain
    assert not torch.equal(q.covariance_matrix, plain.covariance_matrix)
    torch.testing.assert_close(q.covariance_matrix[0], torch.eye(4)[0])


def test_equal_sizes_as_a_list_are_the_same_distribution() -> None:
    one, other = random_normal(3), random_normal([3, 3])
    assert one.groups == other.groups and other.group_sizes == 3
    assert kl_divergence(one, other) == 0
    assert random_normal([2, 4]).group_sizes == (2, 4)
    assert one.groups != random_normal([2, 4]).groups
    assert hash(one.groups) == hash(other.groups)


def test_unequal_layout_agrees_with_the_reshape() -> None:
    """Groups (3, 3, 1) are two groups of three and a group of one."""

    def split(seed: int) -> tuple[GroupedNormal, GroupedNormal, GroupedNormal]:
        generator = torch.Generator().manual_seed(seed)
        loc, scale = torch.rand(2, 7, generator=generator) + 0.5
        rho = torch.rand(3, generator=generator)
        whole = GroupedNormal(loc, scale, rho, [3, 3, 1])
        pairs = GroupedNormal(loc[:6], scale[:6], rho[:2], 3)
        return whole, pairs, GroupedNormal(loc[6:], scale[6:], rho[2:], 1)

    kl = [kl_divergence(q, p) for q, p in zip(split(0), split(1))]
    torch.testing.assert_close(kl[0], kl[1] + kl[2])


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_taken_to_float32(dtype: torch.dtype) -> None:
    loc = torch.randn(2, 6).to(dtype).requires_grad_()
    rho = torch.tensor([0.5, -0.25]).to(dtype)
    q = GroupedNormal(loc, torch.ones(6, dtype=dtype), rho, 3)
    exact = GroupedNormal(loc.float(), torch.ones(6), rho.float(), 3)
    assert q.rsample().dtype == q.entropy().dtype == torch.float32
    torch.testing.assert_close(
        kl_divergence(q, exact.expand((2,))), torch.zeros(2), atol=1e-6, rtol=0
    )
    q.log_prob(torch.zeros(6)).sum().backward()
    assert loc.grad is not None and loc.grad.dtype == dtype


def test_autocast_changes_nothing() -> None:
    """A head's bfloat16 output under autocast: the rest runs in float32."""
    torch.manual_seed(0)
    head, x = torch.nn.Linear(8, 14), torch.randn(3, 8)
    with torch.autocast('cpu', torch.bfloat16):
        loc, log_scale, logits = head(x).split([6, 6, 2], -1)
        assert loc.dtype == torch.bfloat16
        rho = correlation_from_logits(logits, 3)
        q = GroupedNormal(loc, log_scale.exp(), rho, 3)
        torch.manual_seed(1)
        inside = [q.rsample(), q.log_prob(x[:, :6]), q.entropy(), kl_divergence(q, q)]
    torch.manual_seed(1)
    outside = [q.rsample(), q.log_prob(x[:, :6]), q.entropy(), kl_divergence(q, q)]
    for a, b in zip(inside, outside):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    sum(a.sum() for a in inside).backward()
    assert head.weight.grad is not None and head.weight.grad.isfinite().all()


class LargestTensor(TorchDispatchMode):
    """Largest number of elements that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, (list, tuple)) else [result]:
            self.numel = max(self.numel, x.numel() if isinstance(x, Tensor) else 0)
        return result


@pytest.mark.parametrize('group_sizes', [512, [500, 524]])
def test_nothing_larger_than_the_vector_is_made(group_sizes: int | list[int]) -> None:
    q = random_normal(group_sizes, 1024)
    loc = q.loc.clone().requires_grad_()
    rho = q.rho.clone().requires_grad_()
    with LargestTensor() as largest:
        q = GroupedNormal(loc, q.scale, rho, group_sizes)
        total = kl_divergence(q, random_normal(group_sizes, 1024))
        total = total + q.log_prob(q.rsample()) + q.entropy()
        total.backward()
    assert largest.numel == 1024
    with LargestTensor() as largest:
        q.covariance_matrix.sum()
    assert largest.numel == 1024**2


@pytest.mark.parametrize('group_sizes', [3, [2, 4]])
def test_copies(group_sizes: int | list[int]) -> None:
    q = random_normal(group_sizes)
    value = q.sample()
    for twin in (copy.deepcopy(q), pickle.loads(pickle.dumps(q))):
        assert torch.equal(twin.log_prob(value), q.log_prob(value))
        assert kl_divergence(twin, q) == 0
    assert '2 groups of 3' in repr(random_normal(3).groups)


@pytest.mark.parametrize('group_sizes', [3, [2, 4]])
def test_use_in_inference_mode_spoils_nothing(group_sizes: int | list[int]) -> None:
    q = random_normal(group_sizes, rho=[0.3, 0.1])
    q.rho.requires_grad_()
    with torch.inference_mode():
        q.sample()
    q.rsample().sum().backward()
    assert q.rho.grad is not None and q.rho.grad.all()


def test_vmap_over_a_batch() -> None:
    loc = torch.randn(5, 6)
    scale, rho = torch.ones(6), torch.tensor([0.5, -0.2])

    def log_prob(loc: Tensor) -> Tensor:
        q = GroupedNormal(loc, scale, rho, 3, validate_args=False)
        return q.log_prob(torch.zeros(6))

    batched = GroupedNormal(loc, scale, rho, 3).log_prob(torch.zeros(6))
    torch.testing.assert_close(torch.vmap(log_prob)(loc), batched)


ZEROS, ONES, TWO = torch.zeros(6), torch.ones(6), torch.zeros(2)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((torch.tensor(0.0), ONES, TWO, 3), 'loc must be a floating point tensor'),
        ((ZEROS.long(), ONES, TWO, 3), r'loc must be .* got torch.int64'),
        ((ZEROS, torch.ones(5), TWO, 3), 'loc has 6 variables, scale has 5'),
        ((ZEROS, ONES, TWO, 4), 'group_sizes=4 .* divide the number of variables 6'),
        ((ZEROS, ONES, TWO, 0), 'group_sizes=0 must be positive'),
        ((ZEROS, ONES, TWO, [3, 4]), 'add up to 7, but there are 6 variables'),
        ((ZEROS, ONES, TWO, [6, 0]), r'group_sizes=\(6, 0\) must be positive'),
        ((ZEROS, ONES, TWO, []), r'group_sizes=\(\) must be positive'),
        ((ZEROS, ONES, TWO, 2), 'rho has 2 correlations, but there are 3 groups'),
        ((ZEROS[:0], ONES[:0], TWO, 3), 'at least one variable'),
        ((torch.zeros(2, 6), ONES, torch.zeros(3, 2), 3), 'do not broadcast: loc'),
        ((ZEROS, ZEROS, TWO, 3), 'parameter scale .*GreaterThan'),
        ((ZEROS * torch.nan, ONES, TWO, 3), 'parameter loc'),
        ((ZEROS, ONES, TWO + 1, 3), r'parameter rho .*\(-1/\(d - 1\) < rho < 1'),
        ((ZEROS, ONES, TWO - 0.5, 3), 'parameter rho .* 2 groups of 3'),
        ((ZEROS, ONES, TWO - 0.4, [2, 4]), r'parameter rho .*groups of \(2, 4\)'),
    ],
)
def test_errors_name_what_is_wrong(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=f'(?s){message}'):
        GroupedNormal(*arguments, validate_args=True)


def test_values_are_checked_only_when_asked() -> None:
    q = GroupedNormal(ZEROS, ONES, TWO + 1, 3, validate_args=False)
    assert q.log_prob(ONES * torch.nan).isnan()
    with pytest.raises(ValueError, match='value'):
        random_normal(validate_args=True).log_prob(ONES * torch.nan)
    just_inside = GroupedNormal(ZEROS, ONES, TWO - 0.49999997, 3, validate_args=True)
    assert just_inside.entropy().isfinite()


def test_precision_of_devices() -> None:
    assert precise_dtype(torch.device('cuda')) == torch.float64
    assert precise_dtype(torch.device('mps')) == torch.float32
    assert '20 groups of 1 to 30' in repr(Groups([30] + [1] * 19, 49))
    assert 'groups of (2, 4)' in repr(Groups([2, 4], 6))
    assert Groups(2, 4).sizes == (2, 2) and Groups(2, 4) != 'groups'
