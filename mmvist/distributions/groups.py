"""How J variables split into k contiguous groups, and sums inside them.

Equal groups are a reshape; unequal ones an ``index_add`` and an
``index_select``, which are each other's derivative, so that both layouts are
differentiable to any order and never loop over the groups.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


class Groups:
    """Layout of J variables in k contiguous groups.

    A *folded* tensor is what the methods below exchange: (..., k, d) when all
    groups have the same size d, else (..., J).

    Args:
        group_sizes: One size for all groups, or the k sizes in order.
        num_variables: J.

    Raises:
        ValueError: The sizes are not positive or do not add up to J.
    """

    def __init__(self, group_sizes: int | Sequence[int], num_variables: int) -> None:
        if num_variables < 1:
            raise ValueError('a grouped distribution needs at least one variable')
        if isinstance(group_sizes, int):
            if group_sizes < 1 or num_variables % group_sizes:
                raise ValueError(
                    f'group_sizes={group_sizes} must be positive and divide the '
                    f'number of variables {num_variables}'
                )
            self.num_groups = num_variables // group_sizes
            self.size: int | None = group_sizes
            self.smallest = self.largest = group_sizes
            self._sizes: tuple[int, ...] | None = None
        else:
            sizes = tuple(int(size) for size in group_sizes)
            if not sizes or min(sizes) < 1:
                raise ValueError(f'group_sizes={sizes} must be positive')
            if sum(sizes) != num_variables:
                raise ValueError(
                    f'group_sizes add up to {sum(sizes)}, but there are '
                    f'{num_variables} variables'
                )
            self.num_groups = len(sizes)
            self.smallest, self.largest = min(sizes), max(sizes)
            equal = self.smallest == self.largest
            self.size = self.largest if equal else None
            self._sizes = None if equal else sizes
        self.num_variables = num_variables
        self._index: Tensor | None = None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The k group sizes."""
        return self._sizes or (self.largest,) * self.num_groups

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Groups):
            return NotImplemented
        return (self.size, self._sizes, self.num_variables) == (
            other.size,
            other._sizes,
            other.num_variables,
        )

    def __hash__(self) -> int:
        return hash((self.size, self._sizes, self.num_variables))

    def __repr__(self) -> str:
        if self.size:
            return f'{self.num_groups} groups of {self.size}'
        if self.num_groups > 8:
            return f'{self.num_groups} groups of {self.smallest} to {self.largest}'
        return f'groups of {self.sizes}'

    def counts(self, like: Tensor) -> int | Tensor:
        """Group sizes d as a number, or (k,) in the type and place of ``like``."""
        return self.size or like.new_tensor(self.sizes)

    def eigenvalue_counts(self, like: Tensor) -> Tensor:
        """How often each eigenvalue of a correlation matrix occurs: d - 1, once."""
        return self._pairs(like)[0]

    def eigenvalue_slopes(self, like: Tensor) -> Tensor:
        """Of the eigenvalues in rho: -1, d - 1; of a single variable 0, 0."""
        return self._pairs(like)[1]

    def _pairs(self, like: Tensor) -> tuple[Tensor, Tensor]:
        sizes = (self.size,) if self.size else self.sizes
        return _pairs(sizes, like.dtype, like.device)

    def index(self, device: torch.device) -> Tensor:
        """Group number of each variable, (J,); kept for the next call."""
        if self._index is None or self._index.device != device:
            # an inference tensor could not serve a later backward pass
            with torch.inference_mode(False):
                self._index = torch.repeat_interleave(
                    torch.arange(self.num_groups, device=device),
                    torch.tensor(self.sizes, device=device),
                    output_size=self.num_variables,
                )
        return self._index

    def fold(self, x: Tensor) -> Tensor:
        """(..., J) to folded; a view."""
        return x.unflatten(-1, (self.num_groups, self.size)) if self.size else x

    def unfold(self, folded: Tensor) -> Tensor:
        """Folded to (..., J)."""
        return folded.flatten(-2) if self.size else folded

    def spread(self, per_group: Tensor) -> Tensor:
        """(..., k) to a tensor that broadcasts against a folded one."""
        if self.size:
            return per_group.unsqueeze(-1)
        return per_group.index_select(-1, self.index(per_group.device))

    def sum(self, folded: Tensor) -> Tensor:
        """Sum inside each group, folded to (..., k)."""
        if self.size:
            return folded.sum(-1)
        zeros = folded.new_zeros(folded.shape[:-1] + (self.num_groups,))
        return zeros.index_add(-1, self.index(folded.device), folded)

    def mean(self, folded: Tensor) -> Tensor:
        """Mean inside each group, folded to (..., k)."""
        return self.sum(folded) / self.counts(folded)

    def mean_and_squares(self, folded: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and sum of squared deviations from it, two (..., k).

        The centred sum keeps its digits where sum(x^2) - d mean^2 cancels.
        """
        mean, squares = _MeanAndSquares.apply(folded, self)
        return mean, squares


_PAIRS: dict[tuple, tuple[Tensor, Tensor]] = {}


def _pairs(
    sizes: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """What both eigenvalues are multiplied by, (k, 2) each; kept for the next call."""
    key = sizes, dtype, device
    if key in _PAIRS:
        return _PAIRS[key]
    # an inference tensor could not serve a later backward pass
    with torch.inference_mode(False):
        size = torch.tensor(sizes, dtype=dtype, device=device)
        one, others = torch.ones_like(size), size - 1
        slopes = torch.stack([-one, others], dim=-1)
        slopes = slopes * (others > 0)[:, None]
        pairs = torch.stack([others, one], dim=-1), slopes
    # one that a compiler traces with is none
    if type(size) is Tensor and len(_PAIRS) < 64:
        _PAIRS[key] = pairs
    return pairs


class _MeanAndSquares(torch.autograd.Function):
    """Its own derivative, which is short: half the passes over J of autograd's.

    With respect to x, squares has the derivative 2 (x - mean): the part that
    goes through the mean sums to zero.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, groups: Groups) -> tuple[Tensor, Tensor]:
        mean = groups.mean(x)
        deviation = x - groups.spread(mean)
        return mean, groups.sum(deviation.mul_(deviation))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, ctx.groups = inputs
        ctx.save_for_backward(x, output[0])

    @staticmethod
    def backward(ctx: Any, mean_grad: Tensor, squares_grad: Tensor) -> Any:
        x, mean = ctx.saved_tensors
        groups: Groups = ctx.groups
        share = groups.spread(mean_grad / groups.counts(x))
        deviation = x - groups.spread(mean)
        return torch.addcmul(share, groups.spread(2 * squares_grad), deviation), None
