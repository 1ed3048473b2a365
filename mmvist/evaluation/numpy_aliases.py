"""``np.float`` and ``np.bool`` for code of the hosts that still calls them.

NumPy removed both at 1.24 (``np.bool`` came back at 2.0); the video AP of mmdet 3.3
and all of mmtrack are older. Neither NumPy nor another module is changed.
"""

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np


class NumPyWithAliases(ModuleType):
    """NumPy as one module sees it: with the builtins as aliases, as it once was."""

    bool = bool
    float = float

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def with_numpy_aliases(function: Callable) -> Callable:
    """A copy of a function whose ``np`` has ``np.float`` and ``np.bool``.

    Args:
        function: One of a module that imports NumPy as ``np``; it stays as it is.
    """
    names = {**function.__globals__, 'np': NumPyWithAliases('numpy')}
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__
    )
    copy.__doc__ = function.__doc__
    return copy
