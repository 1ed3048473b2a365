"""``np.float`` for code of the hosts that still calls it.

NumPy removed the name at 1.24; the video AP of mmdet 3.3 and of mmtrack is older.
Neither NumPy nor the host's module is changed.
"""

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np


class NumPyWithFloat(ModuleType):
    """NumPy as one module sees it: with ``np.float``, the builtin it always was."""

    float = float

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def with_numpy_float(function: Callable) -> Callable:
    """A copy of a function whose ``np`` has ``np.float``.

    Args:
        function: One of a module that imports NumPy as ``np``; it stays as it is.
    """
    names = {**function.__globals__, 'np': NumPyWithFloat('numpy')}
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__
    )
    copy.__doc__ = function.__doc__
    return copy
