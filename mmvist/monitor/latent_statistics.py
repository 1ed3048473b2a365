"""What the latent of a VAE does while it trains."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

QUANTILES = {'min': 0.0, 'p05': 0.05, 'p50': 0.5, 'p95': 0.95, 'max': 1.0}


@dataclass
class _Moments:
    """Of the samples of one size: count, mean and sum of squared deviations."""

    count: int
    mean: Tensor  # (L, h, w)
    deviations: Tensor  # (L, h, w)


class ActiveUnits:
    """Latent variables whose posterior mean depends on the data.

    Burda, Grosse and Salakhutdinov, "Importance Weighted Autoencoders", 2016,
    section 5.2: a unit u is active where the variance over the data of its posterior
    mean is above 0.01. A unit is a position of a channel of the latent map. Frames of
    several sizes have several numbers of units: those of the commonest size count.

    Args:
        threshold: The variance from which on a unit is active.

    Examples:
        >>> units = ActiveUnits()
        >>> units.update(torch.tensor([[0.0, 1.0], [0.0, -1.0]])[..., None, None])
        >>> units.count()  # active, of how many, in how many samples
        (1, 2, 2)
    """

    def __init__(self, threshold: float = 0.01) -> None:
        self.threshold = threshold
        self._by_size: dict[tuple[int, ...], _Moments] = {}

    def update(self, mean: Tensor) -> None:
        """Take the posterior means of a batch in, (N, L, h, w)."""
        mean = mean.detach().double()
        size, added = tuple(mean.shape[1:]), len(mean)
        zero = mean.new_zeros(size)
        old = self._by_size.setdefault(size, _Moments(0, zero, zero.clone()))
        if not added:
            return
        # two sets put together, Chan, Golub and LeVeque 1979
        count, centre = old.count + added, mean.mean(0)
        apart = centre - old.mean
        old.deviations += ((mean - centre) ** 2).sum(0)
        old.deviations += apart**2 * (old.count * added / count)
        old.mean = old.mean + apart * (added / count)
        old.count = count

    def count(self) -> tuple[int, int, int]:
        """Active units, all units, and samples that tell; zeros without two samples."""
        best = max(self._by_size.values(), key=lambda one: one.count, default=None)
        if best is None or best.count < 2:
            return 0, 0, 0
        variance = best.deviations / (best.count - 1)
        active = int((variance > self.threshold).sum())
        return active, variance.numel(), best.count


def quantiles(name: str, values: Tensor) -> dict[str, float]:
    """Some quantiles of a tensor of any shape, by name.

    Examples:
        >>> quantiles('rho', torch.arange(101.0).double() / 100)['rho_p95']
        0.95
    """
    flat = values.detach().double().flatten().cpu().sort().values
    at = {key: round(q * (len(flat) - 1)) for key, q in QUANTILES.items()}
    return {f'{name}_{key}': float(flat[place]) for key, place in at.items()}
