"""Random draws that depend on a seed alone, and leave no trace behind."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def mix_seed(*numbers: int) -> int:
    """Make one 32-bit seed of several non-negative integers.

    Unlike a sum, neighbouring inputs (seed 0 in epoch 1, seed 1 in epoch 0)
    give unrelated seeds.

    Args:
        numbers: What the seed shall depend on, in this order.

    Returns:
        A seed in [0, 2**32).
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@contextmanager
def seeded_rng(seed: int) -> Iterator[None]:
    """Seed python's, numpy's and torch's CPU generators, and restore them after.

    CUDA generators are left alone: no augmentation draws from them, and they
    belong to the model.

    Args:
        seed: A seed in [0, 2**32).
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
