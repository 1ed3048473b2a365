"""Files that are written whole or not at all."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HERE = re.sub(r'\W', '', socket.gethostname())[:30]
_NUMBERS = itertools.count()
_PART = re.compile(rf'\..*\.{_HERE}-(\d+)\.part(\.\w+)?')


@contextmanager
def whole_file(path: str | os.PathLike, sync: bool = False) -> Iterator[Path]:
    """A place to write that takes the name ``path`` when all is written.

    Whatever fails before, a full disk for one, leaves the file of that name as it was.
    Files that belong together are written together in a ``contextlib.ExitStack``: they
    take their names when the last one is written.

    Args:
        path: The file; its folder is made. A link stays one, and a file that is there
            keeps its mode.
        sync: Wait for the disk, so that it is whole after a loss of power, too.

    Yields:
        A path beside it that ends in the same suffix.

    Raises:
        OSError: Of the disk, with ``path`` as its file name.

    Example:
        >>> import tempfile
        >>> name = Path(tempfile.mkdtemp()) / 'numbers.txt'
        >>> with whole_file(name) as part:
        ...     _ = part.write_text('1 2 3')
        ...     name.exists()
        False
        >>> name.read_text()
        '1 2 3'
    """
    path = Path(os.path.realpath(path))
    # numbered: names that begin alike may be written together
    begin = f'.{path.stem[:100]}.{next(_NUMBERS)}'
    name = f'{begin}.{_HERE}-{os.getpid()}.part{path.suffix}'
    part = path.with_name(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if sync:
            with part.open('rb') as written:
                os.fsync(written.fileno())
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    except OSError as error:
        # a write knows no name, and nobody knows that of the part
        if error.filename is None or Path(error.filename) == part:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove_parts(folder: str | os.PathLike) -> None:
    """Remove what processes of this machine that were killed had begun to write.

    Args:
        folder: Where to look; not below it. One that is not there has none.
    """
    with suppress(OSError):
        for path in Path(folder).iterdir():
            found = _PART.fullmatch(path.name)
            if found and not _alive(int(found[1])):
                path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True
