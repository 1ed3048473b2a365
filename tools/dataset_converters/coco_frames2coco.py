"""Make a CocoVID-style annotation file of frames with COCO annotations.

``images/SEQ/000000.jpg`` goes with ``annotations/SEQ/000000.json``, or all frames of
a sequence with ``annotations/SEQ.json``. Annotations of one instance have the same
``track_id`` or ``instance_id``, themselves or in their ``attributes``.

Example:
    python tools/dataset_converters/coco_frames2coco.py data/mine \\
        data/mine/train.json --classes car person
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets.converters import (
    check_writable,
    convert_coco_frames,
    expand_sequences,
    read_split_file,
    sequences_of_split,
)
from mmvist.datasets.converters.coco_frames import IDENTITY_KEYS
from mmvist.datasets.converters.command import (
    exit_code,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='the data set')
    parser.add_argument('output', type=Path, help='json to make')
    parser.add_argument(
        '--classes',
        nargs='+',
        help='classes to take; annotations of others are left out (default: all of '
        'the first annotation file)',
    )
    parser.add_argument(
        '--identity',
        nargs='+',
        default=list(IDENTITY_KEYS),
        metavar='KEY',
        help='keys of an identity, the first that is there counts (default: '
        '%(default)s)',
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--sequences', nargs='+', help='sequences by name (default: all)'
    )
    which.add_argument('--split-file', type=Path, help='file that lists sequences')
    parser.add_argument(
        '--frames',
        default='images',
        help='folder of the frames in INPUT (default: %(default)s)',
    )
    parser.add_argument(
        '--annotations',
        default='annotations',
        help='folder of the annotations in INPUT, which may be that of the frames '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--allow-gaps', action='store_true', help='accept missing frames'
    )
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help='faster: do not decode the frames to find damaged ones',
    )
    parser.add_argument('--force', action='store_true', help='overwrite')
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> None:
    if args.split_file:
        sequences = read_split_file(args.split_file)
    elif args.sequences:
        sequences = expand_sequences(args.sequences)
    else:
        sequences = sequences_of_split(args.input, 'all', args.input / args.frames)
    annotations = args.input / args.annotations
    read = [annotations / f'{name}.json' for name in sequences]
    read += [annotations / name / args.output.name for name in sequences]
    check_writable(args.output, args.force, args.split_file, *read)
    content = convert_coco_frames(
        args.input,
        sequences,
        args.classes,
        frames=args.frames,
        annotations=args.annotations,
        identity_keys=args.identity,
        allow_gaps=args.allow_gaps,
        check_pixels=not args.headers_only,
        progress=progress_bar(args.output.stem),
    )
    write_and_report(content, args.output, args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
