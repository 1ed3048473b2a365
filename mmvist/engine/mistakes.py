"""Which errors are a user's to mend, and the one line that tells them."""

from __future__ import annotations

import errno
import re
from pickle import UnpicklingError

from .checkpoint import refusal
from .errors import UserError

# a place on the disk that is not there, is in the way, is closed, or is full
_OF_THE_DISK = {
    errno.ENOENT: 'check the path',
    errno.EEXIST: 'something else has this name, take another',
    errno.ENOTDIR: 'something else has this name, take another',
    errno.EISDIR: 'it is a folder, name a file',
    errno.EACCES: 'take another place, or have its rights changed',
    errno.EPERM: 'take another place, or have its rights changed',
    errno.EROFS: 'take a place that can be written',
    errno.ENOSPC: 'make room and run it again',
    errno.EDQUOT: 'make room and run it again',
    errno.EFBIG: 'have its limit raised, or take another place',
    errno.ENAMETOOLONG: 'take a shorter name',
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
    if '!buf.empty()' in text:  # OpenCV, which names no file
        return (
            'a picture is empty (0 bytes); `find DATA -size 0` names it: fetch it again'
        )
    if 'inv_scale_x > 0' in text:  # OpenCV again: one side would be 0
        return 'a picture is so long and narrow that it cannot be resized; remove it'
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
        return f'{error.filename}: {error.strerror}; {_OF_THE_DISK[error.errno]}'
    # an error from a loader's process is text alone
    if found := re.match(r'\[Errno (\d+)\] (.+): \'(.+)\'$', text):
        number = int(found[1])
        if number not in _OF_THE_DISK:
            return None
        return f'{found[3]}: {found[2]}; {_OF_THE_DISK[number]}'
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        # a write knows no name
        return f'{error.strerror}; {_OF_THE_DISK[error.errno]}'
    return text if isinstance(error, FileNotFoundError) else None
