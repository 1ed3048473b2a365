"""Make CocoVID-style annotation files of MOTSChallenge, fold by fold.

Example:
    python tools/dataset_converters/mots_challenge2coco.py data/MOTS20/train \
        data/MOTS20/annotations

For each sequence ``<sequence>_train.json`` holds the others and
``<sequence>_val.json`` itself (leave one out); ``all.json`` holds all of them. With
--no-truth there is ``test.json`` alone.
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets.converters import (
    MOTS_CHALLENGE_TEST,
    MOTS_CHALLENGE_TRAIN,
    check_writable,
    convert_mots_challenge,
    leave_one_out,
)
from mmvist.engine.convert import (
    add_frame_arguments,
    exit_code,
    frame_options,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='folder of the sequences')
    parser.add_argument('output', type=Path, help='folder of the json files')
    parser.add_argument(
        '--sequences',
        nargs='+',
        help=f'by name (default: {" ".join(MOTS_CHALLENGE_TRAIN)})',
    )
    parser.add_argument(
        '--no-truth',
        action='store_true',
        help='frames alone: the test set, for tools/test.py --format-only (default of '
        f'--sequences: {" ".join(MOTS_CHALLENGE_TEST)})',
    )
    add_frame_arguments(parser)
    args = parser.parse_args(argv)
    if args.sequences is None:
        args.sequences = list(
            MOTS_CHALLENGE_TEST if args.no_truth else MOTS_CHALLENGE_TRAIN
        )
    return args


def files_to_make(sequences: list[str], truth: bool = True) -> dict[str, list[str]]:
    """Name of each json file and its sequences."""
    if not truth:
        return {'test': sequences}
    files = {'all': sequences}
    for left_out, (others, one) in leave_one_out(sequences).items():
        files[f'{left_out}_train'] = others
        files[f'{left_out}_val'] = [one]
    return files


def convert(args: argparse.Namespace) -> None:
    files = files_to_make(args.sequences, not args.no_truth)
    for name in files:
        check_writable(args.output / f'{name}.json', args.force)
    for name, sequences in files.items():
        options = frame_options(args)
        # the first file has every frame: once is enough
        options['check_pixels'] &= name in ('all', 'test')
        progress = progress_bar(f'{name:>15}')
        content = convert_mots_challenge(
            args.input,
            sequences,
            truth=not args.no_truth,
            **options,
            progress=progress,
        )
        write_and_report(content, args.output / f'{name}.json', args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
