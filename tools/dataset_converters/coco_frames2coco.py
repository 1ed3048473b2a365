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
)
from mmvist.datasets.converters.coco_frames import IDENTITY_KEYS
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
    add_sequence_arguments(parser)
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
    add_frame_arguments(parser)
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> None:
    sequences = chosen_sequences(args)
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
        **frame_options(args),
        progress=progress_bar(args.output.stem),
    )
    write_and_report(content, args.output, args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
