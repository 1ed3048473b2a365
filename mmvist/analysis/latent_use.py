"""Does rho stay, does z hold anything, and does anybody read it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config

from mmvist.engine.errors import UserError
from mmvist.engine.launch import ann_file_of, build_runner
from mmvist.models import VAEVIST

from .latents import LatentProbe, exchanged, latents_from

CONFIRMED_FROM = 0.05
"""Mean |rho| under which the claim that correlation matters is not confirmed."""


@dataclass
class RhoLog:
    """rho as a training logged it.

    Attributes:
        iterations: When.
        rho: Mean over the groups, signed.
        abs_rho: Mean of the absolute values.
    """

    iterations: list[int]
    rho: list[float]
    abs_rho: list[float]

    @property
    def at_end(self) -> float:
        """Mean \\|rho\\| over the last tenth of what was logged."""
        last = self.abs_rho[-max(1, len(self.abs_rho) // 10) :]
        return sum(last) / len(last)

    @property
    def confirmed(self) -> bool:
        """Whether the trained posterior correlates enough to matter."""
        return self.at_end >= CONFIRMED_FROM

    def spread(self, count: int) -> Iterator[tuple[int, float, float]]:
        """(iteration, rho, abs_rho) at about ``count`` moments, the last one too."""
        total = len(self.iterations)
        places = {round((i + 1) * total / count) - 1 for i in range(count)}
        for place in sorted(one for one in places if one >= 0):
            yield self.iterations[place], self.rho[place], self.abs_rho[place]


def read_rho(path: Path) -> RhoLog:
    """Read MMEngine's ``scalars.json`` of a training.

    Raises:
        UserError: The file cannot be read, or tells no rho.
    """
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines() if line]
    except (OSError, ValueError) as error:
        raise UserError(f'--log {path} cannot be read: {error}') from None
    rows = [one for one in lines if isinstance(one, dict) and 'abs_rho' in one]
    if not rows:
        raise UserError(f'--log {path} tells no rho: is it of a VAE-VIST in training?')
    return RhoLog(
        [int(one.get('iter', one.get('step', 0))) for one in rows],
        [float(one['rho']) for one in rows],
        [float(one['abs_rho']) for one in rows],
    )


@dataclass
class LatentUse:
    """A test of the model with some z.

    Attributes:
        name: Which z.
        probe: What went on in the latent.
        metrics: Of ``MOTSMetric``.
    """

    name: str
    probe: LatentProbe
    metrics: dict[str, float]


def latent_use(cfg: Config, checkpoint: str) -> list[LatentUse]:
    """Test a model three times: with its z, with that of another clip, with 0.

    Args:
        cfg: A whole config of a ``VAEVIST``; its test set is used.
        checkpoint: Weights.

    Raises:
        UserError: The model has no latent, or there is one clip only.
    """
    cfg.load_from, cfg.resume = checkpoint, False
    ann_file = ann_file_of(cfg.test_dataloader.dataset)
    cfg.test_evaluator = [dict(type='mmvist.MOTSMetric', ann_file=ann_file)]
    runner = build_runner(cfg)
    model = runner.model
    if not isinstance(model, VAEVIST):
        raise UserError(f'{type(model).__name__} has no latent to look into')
    model.num_samples = 1
    own = LatentProbe(model)
    others = (
        ('of another clip', lambda frame, mean: exchanged(own.means)(frame, mean)),
        ('zero', lambda frame, mean: torch.zeros_like(mean)),
    )
    probes = [('as it is', own)]
    probes += [(name, LatentProbe(model, choose)) for name, choose in others]
    found = []
    for name, probe in probes:
        with latents_from(model, probe):
            metrics = runner.test()
        found.append(LatentUse(name, probe, metrics))
    return found
