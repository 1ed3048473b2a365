"""Which errors are a user's to mend, and the one line that tells them."""

from __future__ import annotations

import errno
import re
from pickle import UnpicklingError

from .checkpoint import refusal
from .errors import UserError

# a place on the disk that is not there, is in the way, is closed, or is full
_OF_THE_DISK = {
    errno.ENOENT,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
}
_OF_A_LOADER = re.compile(r'Caught \w+ in DataLoader worker process')


def line_of(error: Exception, mistakes: tuple[type[Exception], ...] = ()) -> str | None:
    """The line that tells a user what to mend.

    Args:
        error: What ended a tool.
        mistakes: Exceptions, beside :class:`UserError`, whose message is a line for
            the user.

    Returns:
        The line, or None for an error that is not the user's.
    """
    text = _message(error)
    if isinstance(error, (UserError, *mistakes)):
        return text
    if isinstance(error, UnpicklingError):
        return f'a checkpoint named in the config is refused: {refusal(error)}'
    if isinstance(error, OSError):
        return _of_the_disk(error, text)
    if found := re.search(r'failed to load image: (.+)', text):
        return f'{found[1]}: cannot be read as a picture; fetch it again'
    if found := re.search(r'([\w.]+ is not in the \S+ registry)', text):
        return f'the config names what there is not: {found[1]}'
    return None


def _message(error: Exception) -> str:
    """The last line; of an error in a loader's process without its class."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if _OF_A_LOADER.match(lines[0]):
        return re.sub(r'^[\w.]+: ', '', lines[-1])
    return lines[-1]


def _of_the_disk(error: OSError, text: str) -> str | None:
    """``path: what is wrong with it``."""
    if error.errno in _OF_THE_DISK and error.filename is not None:
        return f'{error.filename}: {error.strerror}'
    # an error from a loader's process is text alone
    if found := re.match(r'\[Errno (\d+)\] (.+): \'(.+)\'$', text):
        return f'{found[3]}: {found[2]}' if int(found[1]) in _OF_THE_DISK else None
    return text if isinstance(error, FileNotFoundError) else None
