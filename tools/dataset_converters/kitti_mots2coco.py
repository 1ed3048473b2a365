"""Make CocoVID-style annotation files of data in KITTI MOTS layout.

Example:
    python tools/dataset_converters/kitti_mots2coco.py data/kitti_mots \
        data/kitti_mots/annotations --split train val
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets import DataError
from mmvist.datasets.converters import (
    check_writable,
    convert_kitti_mots,
    expand_sequences,
    read_split_file,
    sequences_of_split,
)
from mmvist.engine.convert import (
    add_frame_arguments,
    exit_code,
    frame_options,
    parse_classes,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='the data set')
    parser.add_argument('output', type=Path, help='folder of the json files')
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--split',
        nargs='+',
        default=['train', 'val'],
        help='splits by name, one file each: train, val, all, or any with a list '
        'INPUT/splits/NAME.txt; train and val are those of KITTI MOTS where the '
        'data has no list of its own (default: train val)',
    )
    which.add_argument(
        '--sequences',
        nargs='+',
        help='sequences by name, ranges as 0000-0059; needs --name',
    )
    which.add_argument(
        '--split-file', type=Path, help='file that lists sequences; needs --name'
    )
    parser.add_argument('--name', help='of the json file, without .json')
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NUMBER=NAME',
        help='class list (default: 1=car 2=pedestrian)',
    )
    parser.add_argument(
        '--frames',
        default='training/image_02',
        help='folder of the frames in INPUT (default: %(default)s)',
    )
    masks = parser.add_mutually_exclusive_group()
    masks.add_argument(
        '--no-truth',
        action='store_true',
        help='frames alone: the test set, for tools/test.py --format-only',
    )
    masks.add_argument(
        '--instances',
        default='instances',
        help='folder of the masks in INPUT, as pngs or as NAME.txt (default: '
        '%(default)s)',
    )
    add_frame_arguments(parser)
    args = parser.parse_args(argv)
    if (args.sequences or args.split_file) and not args.name:
        parser.error('--sequences and --split-file need --name')
    return args


def splits_to_make(args: argparse.Namespace) -> dict[str, list[str]]:
    """Name of each json file and its sequences."""
    if args.sequences:
        return {args.name: expand_sequences(args.sequences)}
    if args.split_file:
        return {args.name: read_split_file(args.split_file)}
    frames = args.input / args.frames
    if not frames.is_dir():
        raise DataError(f'{frames}: no such folder; is {args.input} in MOTS layout?')
    return {s: sequences_of_split(args.input, s, frames) for s in args.split}


def convert(args: argparse.Namespace) -> None:
    splits = splits_to_make(args)
    classes = parse_classes(args.classes)
    for name in splits:
        check_writable(args.output / f'{name}.json', args.force)
    contents = {
        name: convert_kitti_mots(
            args.input,
            sequences,
            classes,
            frames=args.frames,
            instances=None if args.no_truth else args.instances,
            **frame_options(args),
            progress=progress_bar(f'{name:>8}'),
        )
        for name, sequences in splits.items()
    }
    # all of them or none
    for name, content in contents.items():
        write_and_report(content, args.output / f'{name}.json', args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
