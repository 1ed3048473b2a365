"""Do things that claim a probability of p come true p of the time?

For any number of claims: what is kept are sums over narrow bins, not the claims.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

NARROW = 1000
"""Bins in which claims are kept; those that are judged are wider."""
_EDGE = 1e-6


@dataclass
class Calibration:
    """Claims and what came of them.

    Args:
        num_bins: Bins of equal width over [0, 1] in which they are judged.

    Attributes:
        counts: Claims in each narrow bin.
        scores: Sum of their probabilities.
        right: How many came true.

    Examples:
        >>> claims = Calibration()
        >>> claims.add(np.array([0.9, 0.9, 0.9, 0.9]), np.array([1, 1, 1, 0]))
        >>> round(claims.ece(), 3)
        0.15
    """

    num_bins: int = 10
    counts: np.ndarray = field(default_factory=lambda: np.zeros(NARROW))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(NARROW))
    right: np.ndarray = field(default_factory=lambda: np.zeros(NARROW))

    def add(self, scores: np.ndarray, right: np.ndarray) -> None:
        """Add claims: probabilities in [0, 1] and bool, of one shape."""
        scores = np.asarray(scores, dtype=float).ravel()
        right = np.asarray(right, dtype=float).ravel()
        place = np.clip((scores * NARROW).astype(int), 0, NARROW - 1)
        self.counts += np.bincount(place, minlength=NARROW)
        self.scores += np.bincount(place, scores, NARROW)
        self.right += np.bincount(place, right, NARROW)

    def __len__(self) -> int:
        return int(self.counts.sum())

    def scaled(self, temperature: float) -> Calibration:
        """The same claims with their logits divided by a temperature."""
        return Calibration(
            self.num_bins, self.counts, self._at(temperature) * self.counts, self.right
        )

    def _at(self, temperature: float) -> np.ndarray:
        mean = np.divide(
            self.scores, self.counts, np.zeros(NARROW), where=self.counts > 0
        )
        return expit(logit(np.clip(mean, _EDGE, 1 - _EDGE)) / temperature)

    def rows(self) -> list[tuple[int, int, float, float]]:
        """(bin, count, mean score, fraction right) of each bin in use."""
        used = self.counts > 0
        mean = self.scores[used] / self.counts[used]
        bins = np.clip((mean * self.num_bins).astype(int), 0, self.num_bins - 1)
        sums = [
            np.bincount(bins, one[used], self.num_bins)
            for one in (self.counts, self.scores, self.right)
        ]
        return [
            (i, int(n), s / n, r / n) for i, (n, s, r) in enumerate(zip(*sums)) if n
        ]

    def ece(self) -> float:
        """Expected calibration error: mean over claims of |right - score| of a bin."""
        if not len(self):
            return float('nan')
        return sum(n * abs(r - s) for _, n, s, r in self.rows()) / len(self)

    def fitted_temperature(self) -> float:
        """The temperature at which the claims are likeliest."""

        def loss(log_temperature: float) -> float:
            p = np.clip(self._at(np.exp(log_temperature)), _EDGE, 1 - _EDGE)
            wrong = self.counts - self.right
            return -(self.right * np.log(p) + wrong * np.log1p(-p)).sum()

        found = minimize_scalar(loss, bounds=(-3, 3), method='bounded')
        return float(np.exp(found.x))
