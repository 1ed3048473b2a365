"""Make a CocoVID-style annotation file of frames with indexed png masks.

A pixel of a mask is the number of an instance, 0 background, 255 not judged, as in
DAVIS and YouTube-VOS.

Example:
    python tools/dataset_converters/png_folders2coco.py data/davis \\
        data/davis/annotations/train.json --classes object
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets.converters import (
    check_writable,
    convert_png_folders,
    read_json,
)
from mmvist.engine.convert import (
    add_frame_arguments,
    add_sequence_arguments,
    chosen_sequences,
    exit_code,
    frame_options,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='the data set')
    parser.add_argument('output', type=Path, help='json to make')
    parser.add_argument('--classes', nargs='+', required=True, help='class names')
    parser.add_argument(
        '--labels',
        type=Path,
        help='json of {sequence: {instance number: class name}}; not needed where '
        'there is one class',
    )
    add_sequence_arguments(parser)
    parser.add_argument(
        '--frames',
        default='JPEGImages',
        help='folder of the frames in INPUT (default: %(default)s)',
    )
    parser.add_argument(
        '--masks',
        default='Annotations',
        help='folder of the masks in INPUT (default: %(default)s)',
    )
    add_frame_arguments(parser)
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> None:
    check_writable(args.output, args.force, args.labels, args.split_file)
    labels = read_json(args.labels, 'list of classes') if args.labels else None
    content = convert_png_folders(
        args.input,
        chosen_sequences(args),
        args.classes,
        labels,
        frames=args.frames,
        masks=args.masks,
        **frame_options(args),
        progress=progress_bar(args.output.stem),
    )
    write_and_report(content, args.output, args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
