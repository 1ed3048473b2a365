"""Settings that every test shares."""

import os
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

# YAPF keeps its grammar in a file of the user's cache. Imported here, before pytest
# has test processes, the file is there before two of them could write and read it at
# once.
import yapf.yapflib.yapf_api  # noqa: F401
from hypothesis import HealthCheck, settings

# of the processes that tests start; they share the machine with this one
os.environ.setdefault('OMP_NUM_THREADS', '1')

# the same examples in every run, however slow the machine is
settings.register_profile(
    'mmvist',
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile('mmvist')


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """The same random numbers for a test whichever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield


@pytest.fixture(autouse=True, scope='session')
def unformatted_configs() -> Iterator[None]:
    """A runner lays its config out twice, which takes longer than a short run."""
    with pytest.MonkeyPatch.context() as patch:
        # MMEngine's releases differ in where they import it
        for place in ('yapf.yapflib.yapf_api', 'mmengine.config.config'):
            patch.setattr(f'{place}.FormatCode', _as_it_is, raising=False)
        yield


def _as_it_is(text: str, **kwargs: object) -> tuple[str, bool]:
    return text, False
