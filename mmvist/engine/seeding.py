"""One seed for every random generator, made from several numbers."""

import random

import numpy as np
import torch


def seed_all(*numbers: int) -> None:
    """Seed Python, NumPy and torch (every device) from a tuple of numbers.

    Args:
        *numbers: Integers >= 0, for instance seed, iteration and rank. Tuples
            that differ anywhere give unrelated streams, which sums such as
            ``seed + rank`` do not.
    """
    # SeedSequence pads with zeros, and would take (3,) and (3, 0) for the same
    words = np.random.SeedSequence((len(numbers), *numbers)).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.manual_seed(int(words[2]) << 32 | int(words[3]))
