"""Seeds for one block that leave the generators as they were."""

import random

import numpy as np
import pytest
import torch

from mmvist.datasets.rng import mix_seed, seeded_rng


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_block_depends_on_its_seed_alone() -> None:
    with seeded_rng(3):
        first = draws()
    draws()
    with seeded_rng(3):
        assert draws() == first
    with seeded_rng(4):
        again = draws()
    assert all(a != b for a, b in zip(first, again, strict=True))


def test_generators_go_on_as_if_nothing_had_been() -> None:
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected = draws(), draws()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    found = [draws()]
    with pytest.raises(KeyError), seeded_rng(9):
        draws()
        raise KeyError
    found.append(draws())
    assert tuple(found) == expected


def test_neighbouring_numbers_mix_to_different_seeds() -> None:
    seeds = {mix_seed(a, b, c) for a in range(6) for b in range(6) for c in range(6)}
    assert len(seeds) == 6**3
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert mix_seed(1, 2, 3) == 3822189696
