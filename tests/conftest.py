"""Settings that every test shares."""

import os
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

# of the processes that tests start; they share the machine with this one
os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """The same random numbers for a test whichever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
