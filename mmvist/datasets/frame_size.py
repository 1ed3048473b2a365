"""What can be the size of a frame."""

from typing import Any

from .errors import DataError

MAX_PIXELS = 2**27
"""Of a frame: one of 8K has a quarter of it."""


def check_frame_size(size: tuple[Any, Any], where: str) -> None:
    """Before memory is asked for.

    Args:
        size: (height, width) as a file says them.
        where: File and place, for messages.

    Raises:
        DataError: They are no numbers of pixels, or more than any frame has.
    """
    for side in size:
        whole = isinstance(side, int) or (isinstance(side, float) and side.is_integer())
        if not whole or isinstance(side, bool) or side < 1:
            raise DataError(f'{where}: {side!r} is no height or width of a frame')
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            f'{where}: a frame of {size[1]} x {size[0]} is larger than any that '
            f'mmvist reads, {MAX_PIXELS:,} pixels'
        )
