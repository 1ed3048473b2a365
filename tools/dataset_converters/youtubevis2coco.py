"""Make a CocoVID-style annotation file of a YouTube-VIS json.

Example:
    python tools/dataset_converters/youtubevis2coco.py \
        data/youtube_vis_2019/train.json data/youtube_vis_2019/annotations/train.json
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.progress import track

from mmvist.datasets import DataError
from mmvist.datasets.converters import (
    check_writable,
    convert_youtubevis,
    write_json,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='json of YouTube-VIS')
    parser.add_argument('output', type=Path, help='json to make')
    parser.add_argument('--force', action='store_true', help='overwrite')
    return parser.parse_args(argv)


def read_json(path: Path) -> dict:
    """Read a json file, or say in one line why not."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except ValueError as error:
        raise DataError(f'{path}: is no json ({error}); fetch it again') from error
    if not isinstance(content, dict):
        raise DataError(f'{path}: holds a list; is it a YouTube-VIS result file?')
    return content


def progress(steps: Iterable) -> Iterable:
    return track(list(steps), description='videos')


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        check_writable(args.output, args.force)
        content = convert_youtubevis(read_json(args.input), args.input.name, progress)
        path = write_json(content, args.output, args.force)
    except DataError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    print(
        f'{path}: {len(content["videos"])} videos, {len(content["images"])} frames, '
        f'{len(content["annotations"])} annotations'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
