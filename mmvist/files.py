"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A place to write that takes the name ``path`` when all is written.

    Whatever fails before, a full disk for one, leaves the file of that name as it was.
    Files that belong together are written together in a ``contextlib.ExitStack``: they
    take their names when the last one is written.

    Args:
        path: The file; its folder is made.

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
    path = Path(path)
    part = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        # a write knows no name, and nobody knows that of the part
        if error.filename is None or Path(error.filename) == part:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
