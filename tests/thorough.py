"""How often a test with random input is tried."""

import os

TIMES = int(os.environ.get('MMVIST_TIMES', '1'))
"""``MMVIST_TIMES=100 pytest ...`` tries a hundred times as much as ``make test``."""


def examples(count: int) -> int:
    """Examples of a test that takes ``count`` of them in ``make test``."""
    return count * TIMES
