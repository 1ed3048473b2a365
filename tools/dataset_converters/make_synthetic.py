"""Make the synthetic set: cars and pedestrians in a street, in KITTI MOTS layout.

Prints how often linking of the true boxes themselves switches identities, for
plain IoU linking and for an oracle that knows how far each object moved.

Example:
    python tools/dataset_converters/make_synthetic.py data/synthetic
"""

import argparse
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.progress import track

from mmvist.datasets.synthetic import read_report, write_synthetic
from mmvist.engine.convert import exit_code


def size(text: str) -> tuple[int, int]:
    """Read ``192x128``."""
    found = re.fullmatch(r'(\d+)x(\d+)', text)
    if not found:
        raise argparse.ArgumentTypeError(f'{text!r} is no WIDTHxHEIGHT')
    return int(found.group(1)), int(found.group(2))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('output', type=Path, help='a new folder')
    parser.add_argument('--train-clips', type=int, default=96)
    parser.add_argument('--val-clips', type=int, default=16)
    parser.add_argument('--frames', type=int, default=24, help='of a clip')
    parser.add_argument('--size', type=size, default=(192, 128), help='WIDTHxHEIGHT')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--workers',
        type=int,
        default=min(os.cpu_count() or 1, 4),
        help='processes; the clips do not depend on it (default: %(default)s)',
    )
    return parser.parse_args(argv)


def progress(steps: Iterable, total: int) -> Iterable:
    return track(steps, total=total, description='clips')


def make(args: argparse.Namespace) -> None:
    splits = write_synthetic(
        args.output,
        train_clips=args.train_clips,
        val_clips=args.val_clips,
        frames=args.frames,
        width=args.size[0],
        height=args.size[1],
        seed=args.seed,
        workers=args.workers,
        progress=progress,
    )
    for split, sequences in splits.items():
        print(f'{split:>6}: {read_report(args.output, sequences)}')


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: make(args))


if __name__ == '__main__':
    sys.exit(main())
