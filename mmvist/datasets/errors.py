"""The one exception of bad data."""

from collections.abc import Callable


class DataError(ValueError):
    """Data on the disk is not what it should be.

    The message is one line that names the file and what to do about it, so that
    a command line tool can print it as it is.
    """


Report = Callable[[DataError], None]
"""Takes what is wrong: :func:`refuse` stops there, the ``append`` of a list lets a
reader go on with what is left."""


def refuse(error: DataError) -> None:
    """Stop at the first thing that is wrong."""
    raise error
