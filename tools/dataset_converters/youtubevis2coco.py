"""Make a CocoVID-style annotation file of a YouTube-VIS json.

Example:
    python tools/dataset_converters/youtubevis2coco.py \
        data/youtube_vis_2019/train.json data/youtube_vis_2019/annotations/train.json
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets.converters import check_writable, convert_youtubevis
from mmvist.datasets.converters.command import (
    exit_code,
    progress_bar,
    read_json,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='json of YouTube-VIS')
    parser.add_argument('output', type=Path, help='json to make')
    parser.add_argument('--force', action='store_true', help='overwrite')
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> None:
    check_writable(args.output, args.force)
    source = read_json(args.input, 'annotation file of YouTube-VIS')
    content = convert_youtubevis(source, args.input.name, progress_bar('videos'))
    write_and_report(content, args.output, args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
