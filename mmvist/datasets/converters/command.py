"""What the converters' command lines share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from mmvist.datasets.converters.cocovid import Progress, write_json
from mmvist.datasets.errors import DataError


def progress_bar(description: str, console: Console | None = None) -> Progress:
    """A bar that names what is read, on standard output unless told otherwise."""

    def progress(steps: Iterable) -> Iterable:
        return track(list(steps), description=description, console=console)

    return progress


def write_and_report(content: dict, path: Path, force: bool) -> None:
    """Write an annotation file and print what it holds.

    Raises:
        DataError: The file exists and ``force`` is not set.
    """
    path = write_json(content, path, force)
    print(
        f'{path}: {len(content["videos"])} videos, {len(content["images"])} frames, '
        f'{len(content["annotations"])} annotations'
    )


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """Read a json file that holds an object.

    Args:
        path: The file.
        kind: What it should be, for the message.

    Raises:
        DataError: It cannot be read, is no json, or holds a list.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except ValueError as error:
        raise DataError(f'{path}: is no json ({error}); fetch it again') from error
    if not isinstance(content, dict):
        raise DataError(f'{path}: holds no object but a list; it is no {kind}')
    return content


def parse_classes(pairs: list[str] | None) -> dict[int, str] | None:
    """Read ``1=car 2=pedestrian``; None stays None.

    Raises:
        DataError: One of them is written in another way.
    """
    if pairs is None:
        return None
    classes = {}
    for pair in pairs:
        number, _, name = pair.partition('=')
        if not number.isdecimal() or not name:
            raise DataError(f'--classes {pair}: write it as NUMBER=NAME')
        classes[int(number)] = name
    return classes


def exit_code(convert: Callable[[], None]) -> int:
    """Run a converter; what is wrong with the data becomes one line.

    Returns:
        0, or 2 after a :class:`DataError`.
    """
    try:
        convert()
    except DataError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0
