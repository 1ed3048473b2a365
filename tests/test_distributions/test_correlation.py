import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvist.distributions import (
    CORRELATION_MARGIN,
    correlation_from_logits,
    logits_from_correlation,
)


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=8),
    st.integers(2, 100_000),
    st.booleans(),
)
def test_always_inside_the_interval(
    numbers: list[float], size: int, signed: bool
) -> None:
    logits = torch.tensor(sorted(numbers))
    rho = correlation_from_logits(logits, size, signed)
    assert rho.dtype == torch.float32
    wide = rho.double()
    # 1 - 1e-4 for the float32 rounding of rho, which d - 1 magnifies
    least = CORRELATION_MARGIN * (1 - 1e-3)
    assert (1 - wide >= least).all() and (1 + (size - 1) * wide >= least).all()
    assert (rho.diff() >= 0).all()
    assert signed or (rho >= 0).all()


@pytest.mark.parametrize('signed', [True, False])
@pytest.mark.parametrize('sizes', [2, 64, 920, [3, 1, 50, 1000]])
def test_increasing_and_differentiable(sizes: int | list[int], signed: bool) -> None:
    k = 1 if isinstance(sizes, int) else len(sizes)
    logits = torch.linspace(-12, 12, 201).double()[:, None].repeat(1, k)
    logits.requires_grad_()
    rho = correlation_from_logits(logits, sizes, signed)
    assert (rho.diff(dim=0) > 0).all()
    (slope,) = torch.autograd.grad(rho.sum(), logits)
    assert (slope > 0).all()
    back = logits_from_correlation(rho, sizes, signed)
    torch.testing.assert_close(back, logits.detach(), check_dtype=True)


@pytest.mark.parametrize('size', [2, 11, 64, 920, 4000])
@pytest.mark.parametrize('start', [0.0, 0.1, -0.0002])
def test_a_head_can_start_at_a_correlation(size: int, start: float) -> None:
    bias = logits_from_correlation(start, size)
    assert bias.shape == () and bias.dtype == torch.float32
    rho = correlation_from_logits(bias, size)
    assert abs(rho.item() - start) < 1e-6


def test_a_logit_keeps_its_meaning_as_the_group_grows() -> None:
    bias = logits_from_correlation(0.1, 64)
    for size in (128, 920, 4000):
        assert abs(correlation_from_logits(bias, size).item() - 0.1) < 0.02


def test_one_number_for_unequal_groups() -> None:
    logits = logits_from_correlation(0.1, [4, 1, 30])
    assert logits.shape == (3,)
    rho = correlation_from_logits(logits, [4, 1, 30])
    torch.testing.assert_close(rho, torch.full((3,), 0.1))


def test_half_precision_logits() -> None:
    logits = torch.tensor([-40.0, 40.0], dtype=torch.bfloat16)
    rho = correlation_from_logits(logits, 16)
    assert rho.dtype == torch.float32
    assert rho[0] > -1 / 15 and rho[1] < 1


@pytest.mark.parametrize(
    ('rho', 'size', 'signed'),
    [(-0.5, 3, True), (0.9995, 3, True), (-0.1, 3, False), (1.5, 3, True)],
)
def test_inverse_rejects_what_the_map_cannot_give(
    rho: float, size: int, signed: bool
) -> None:
    with pytest.raises(ValueError, match=r'correlation .* is outside .* groups of 3'):
        logits_from_correlation(rho, size, signed)


@pytest.mark.parametrize('sizes', [0, [], [3, 0]])
def test_sizes_must_be_positive(sizes: int | list[int]) -> None:
    with pytest.raises(ValueError, match='must be positive'):
        correlation_from_logits(torch.zeros(2), sizes)
