"""GroupedNormal beside PyTorch's own normals: rsample and KL, there and back.

The same distribution as ``MultivariateNormal`` (dense) and, where no rho is negative,
``LowRankMultivariateNormal``; a ``Normal`` without any correlation is the floor.

Example:
    python tools/benchmark/grouped_normal.py
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from mmvist.benchmark.side_by_side import (
    check_agreement,
    peak_memory,
    race,
    report,
    times,
)
from mmvist.distributions import GroupedNormal
from mmvist.engine.launch import run_tool

DENSE_ELEMENTS = 2**26
"""Of all covariance matrices together; beyond it the dense one is left out."""
TURN = 0.05
"""Seconds in which a case is run again and again: the dense one empties the caches."""
OURS, LOW_RANK, DENSE, DIAGONAL = 'grouped', 'low rank', 'dense', 'diagonal'


class Posterior:
    """Learned loc, scale and rho of J variables in groups of d."""

    def __init__(self, variables: int, size: int, signed: bool, device: str) -> None:
        generator = torch.Generator().manual_seed(0)
        groups = variables // size
        self.size = size
        self.loc = torch.randn(groups * size, generator=generator)
        self.scale = torch.rand(groups * size, generator=generator) + 0.5
        # negative ones down to half of what is possible
        rho = torch.rand(groups, generator=generator) * 0.8
        if signed:
            rho[::2] = -rho[::2] * 0.6 / (size - 1)
        self.rho = rho
        for name in ('loc', 'scale', 'rho'):
            setattr(self, name, getattr(self, name).to(device).requires_grad_())

    def _folded(self) -> tuple[Tensor, Tensor, Tensor]:
        return (
            self.loc.view(-1, self.size),
            self.scale.view(-1, self.size),
            self.rho[:, None],
        )

    def grouped(self) -> GroupedNormal:
        """All groups as one distribution."""
        return GroupedNormal(self.loc, self.scale, self.rho, self.size, False)

    def diagonal(self) -> Independent:
        """The same without rho."""
        normal = Normal(self.loc, self.scale, validate_args=False)
        return Independent(normal, 1, validate_args=False)

    def low_rank(self) -> LowRankMultivariateNormal:
        """One factor for each group; no rho may be negative."""
        loc, scale, rho = self._folded()
        return LowRankMultivariateNormal(
            loc,
            (scale * rho.sqrt())[..., None],
            scale.square() * (1 - rho),
            validate_args=False,
        )

    def dense(self) -> MultivariateNormal:
        """A covariance matrix for each group."""
        loc, scale, rho = self._folded()
        eye = torch.eye(self.size, device=loc.device)
        correlation = rho[..., None] + (1 - rho[..., None]) * eye
        covariance = scale[..., None] * correlation * scale[..., None, :]
        return MultivariateNormal(loc, covariance, validate_args=False)

    def prior(self, kind: str) -> Distribution:
        """N(0, I), as the kind can be compared with it."""
        zeros = torch.zeros_like(self.loc)
        folded = zeros.view(-1, self.size)
        if kind == LOW_RANK:
            ones = torch.ones_like(folded)
            return LowRankMultivariateNormal(
                folded, torch.zeros_like(folded)[..., None], ones, validate_args=False
            )
        if kind == DENSE:
            eye = torch.eye(self.size, device=zeros.device)
            return MultivariateNormal(folded, scale_tril=eye, validate_args=False)
        normal = Normal(zeros, torch.ones_like(zeros), validate_args=False)
        return Independent(normal, 1, validate_args=False)

    def step(self, kind: str) -> Callable[[], None]:
        """Draw, KL to N(0, I), and all gradients."""
        make, prior = getattr(self, kind.replace(' ', '_')), self.prior(kind)
        weights = (self.loc, self.scale, self.rho)
        if kind == DIAGONAL:
            weights = weights[:2]

        def run() -> None:
            q = make()
            loss = kl_divergence(q, prior).sum() + q.rsample().square().sum()
            torch.autograd.grad(loss, weights)

        return run


def agree(posterior: Posterior, kind: str) -> bool:
    """KL and density of one point, as GroupedNormal says them."""
    q, other = posterior.grouped(), getattr(posterior, kind.replace(' ', '_'))()
    point = posterior.loc.detach() + 0.3 * posterior.scale.detach()
    shape = (-1, posterior.size)
    divergences = [
        kl_divergence(q, posterior.prior(OURS)),
        kl_divergence(other, posterior.prior(kind)).sum(),
    ]
    weights = posterior.loc, posterior.scale, posterior.rho
    slopes = [torch.autograd.grad(one, weights) for one in divergences]
    pairs = [
        tuple(divergences),
        (q.log_prob(point), other.log_prob(point.view(shape)).sum()),
        *zip(*slopes, strict=True),
    ]
    return all((one - two).norm() <= 1e-3 * (two.norm() + 1e-3) for one, two in pairs)


def same_samples(device: str, draws: int = 50_000) -> bool:
    """Whether draws have the mean and covariance that the dense normal names.

    In groups of two rho is far from 0 on either side; six standard deviations of what
    so many draws tell are allowed.
    """
    return all(_same_samples(Posterior(64, d, True, device), draws) for d in (2, 16))


def _same_samples(posterior: Posterior, draws: int) -> bool:
    size = posterior.size
    with torch.no_grad():
        drawn = posterior.grouped().sample((draws,)).view(draws, -1, size)
        named = posterior.dense().covariance_matrix
    centred = drawn - posterior.loc.detach().view(-1, size)
    scale = posterior.scale.detach().view(-1, size)
    found = torch.einsum('ngi,ngj->gij', centred, centred) / draws
    allowed = 6 * (2 / draws) ** 0.5 * scale[..., None] * scale[..., None, :]
    means = centred.mean(dim=0).abs() < 6 * draws**-0.5 * scale
    return bool(means.all() and ((found - named).abs() < allowed).all())


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--variables', type=int, nargs='+', default=[1024, 10**4, 10**5, 10**6, 10**7]
    )
    parser.add_argument('--groups', type=int, nargs='+', default=[16, 64, 256, 1024])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    rows, numbers = [], []
    sizes = [(j // d * d, d) for j in args.variables for d in args.groups if d <= j]
    check_agreement('samples of grouped and dense', same_samples(args.device))
    for variables, size in sizes:
        signed = Posterior(variables, size, True, args.device)
        positive = Posterior(variables, size, False, args.device)
        cases = {
            OURS: signed.step(OURS),
            DIAGONAL: signed.step(DIAGONAL),
            LOW_RANK: positive.step(LOW_RANK),
        }
        compared = [(LOW_RANK, positive)]
        if variables * size <= DENSE_ELEMENTS:
            cases[DENSE] = signed.step(DENSE)
            compared.append((DENSE, signed))
        for kind, posterior in compared:
            check_agreement(f'grouped and {kind}', agree(posterior, kind))
        found = race(cases, args.rounds, device=args.device, turn=TURN)
        ratios = {
            LOW_RANK: found.ratio(LOW_RANK, OURS),
            DENSE: found.ratio(DENSE, OURS) if DENSE in cases else None,
            DIAGONAL: found.ratio(OURS, DIAGONAL),
        }
        used = peak_memory(partial(_memory, variables, size, args.device), args.device)
        numbers.append(
            dict(
                variables=variables,
                group=size,
                seconds=dict(found.seconds),
                memory=used,
            )
        )
        rows.append(
            [
                f'{variables:,}',
                f'{size:,}',
                f'{1000 * found.time(OURS):.3g} ms',
                '-' if used is None else f'{used:.0f} MB',
                times(ratios[LOW_RANK]),
                times(ratios[DENSE]) if ratios[DENSE] else 'too large',
                times(ratios[DIAGONAL]),
            ]
        )
    header = ['J', 'group', 'GroupedNormal', 'memory', 'low rank takes', 'dense takes']
    header.append('over a diagonal')
    report(
        'GroupedNormal: rsample and KL, forward and backward',
        header,
        rows,
        numbers,
        args.out / 'grouped_normal.json',
        args.device,
    )


def _memory(variables: int, size: int, device: str) -> Callable[[], None]:
    return Posterior(variables, size, True, device).step(OURS)


if __name__ == '__main__':
    sys.exit(run_tool(main))
