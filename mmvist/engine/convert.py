"""What the converters' command lines share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from mmvist.datasets.converters.cocovid import Progress, write_json
from mmvist.datasets.converters.sequences import (
    expand_sequences,
    read_split_file,
    sequences_of_split,
)
from mmvist.datasets.errors import DataError

from .interrupt import INTERRUPTED
from .mistakes import line_of


def add_frame_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the converters that read numbered frames, see frame_options."""
    parser.add_argument(
        '--allow-gaps', action='store_true', help='accept missing frames'
    )
    parser.add_argument(
        '--stride',
        type=positive,
        default=1,
        metavar='N',
        help='only every Nth frame is there, and these are neighbours, as in '
        'YouTube-VOS with 5 (default: %(default)s)',
    )
    add_write_arguments(parser)


def add_write_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the converters that decode pictures and write a json."""
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help='faster: do not decode the pictures to find damaged ones',
    )
    parser.add_argument('--force', action='store_true', help='overwrite')


def frame_options(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of :func:`add_frame_arguments` as the converters take them."""
    return dict(
        allow_gaps=args.allow_gaps,
        stride=args.stride,
        check_pixels=not args.headers_only,
    )


def add_sequence_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that choose sequences, see chosen_sequences."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--sequences', nargs='+', help='sequences by name (default: all)'
    )
    which.add_argument('--split-file', type=Path, help='file that lists sequences')


def chosen_sequences(args: argparse.Namespace) -> list[str]:
    """The sequences that a command line names, else all that have frames.

    Raises:
        DataError: There are none, or one is named twice.
    """
    if args.split_file:
        return read_split_file(args.split_file)
    if args.sequences:
        return expand_sequences(args.sequences)
    return sequences_of_split(args.input, 'all', args.input / args.frames)


def positive(text: str) -> int:
    """A whole number from 1 on, as an argument."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number from 1 on')
    return int(text)


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
    counts = [(content['images'], 'images'), (content['annotations'], 'annotations')]
    if 'videos' in content:
        counts = [(content['videos'], 'videos'), (counts[0][0], 'frames'), counts[1]]
    print(f'{path}: ' + ', '.join(f'{len(items)} {name}' for items, name in counts))


def parse_classes(pairs: list[str] | None) -> dict[int, str] | None:
    """Read ``1=car 2=pedestrian``; None stays None.

    Raises:
        DataError: One of them is written in another way, or comes twice.
    """
    if pairs is None:
        return None
    classes = {}
    for pair in pairs:
        number, _, name = pair.partition('=')
        if not number.isdecimal() or not int(number) or not name:
            raise DataError(f'--classes {pair}: write it as NUMBER=NAME, from 1 on')
        if int(number) in classes or name in classes.values():
            raise DataError(f'--classes {pair}: number or name is there already')
        classes[int(number)] = name
    return classes


def exit_code(convert: Callable[[], None]) -> int:
    """Run a converter; what is wrong with the data becomes one line.

    Returns:
        0, 2 after a :class:`DataError` or where the disk refuses, 130 after Ctrl-C.
    """
    try:
        convert()
    except DataError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except OSError as error:
        if (line := line_of(error)) is None:
            raise
        print(f'error: {line}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nstopped; a json is written whole or not at all', file=sys.stderr)
        return INTERRUPTED
    return 0
