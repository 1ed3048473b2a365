"""Look at data: masks and identities drawn on frames, as annotated or as fed.

Of an annotation file (CocoVID-style json) it draws the frames as they are; of a
config what its data set hands over after the pipeline: t-1, t and t+1 beside each
other, remembered boxes with their ages, the flags of the sample and, of a VAE-VIST,
the damaged Lambda and boxes of t-1.

Example:
    python tools/browse_dataset.py CONFIG --out samples.mp4
    python tools/browse_dataset.py data/synthetic/annotations/val.json \\
        --images data/synthetic/training/image_02 --out clips.mp4
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from mmvist.apis import browse_annotations, browse_dataset
from mmvist.datasets import DataError
from mmvist.datasets.converters import expand_sequences
from mmvist.engine.errors import UserError
from mmvist.engine.launch import CfgOptions, read_config, run_tool
from mmvist.evaluation.truth import load_truth
from mmvist.visualization import fit, open_writer

MAX_SIZE = (1080, 1920)
"""Height and width of the largest picture."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', metavar='CONFIG_OR_ANN_FILE', type=Path)
    parser.add_argument(
        '--out',
        '--output-dir',
        dest='out',
        type=Path,
        required=True,
        help='video (.mp4, .m4v, .mov, .mkv); a name without a suffix is a folder of '
        'png',
    )
    parser.add_argument(
        '--images', type=Path, help='folder of the frames of an annotation file'
    )
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='whose data loader of a config (default: train)',
    )
    parser.add_argument(
        '--sequences', nargs='+', default=[], help='by name, ranges as 0003-0007'
    )
    parser.add_argument(
        '--number', type=int, default=100, help='most pictures (default: 100)'
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the random draws of a pipeline'
    )
    parser.add_argument('--fps', type=float, default=5, help='of a video (default: 5)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that replace those of the config, as key=value',
    )
    args = parser.parse_args(argv)
    if args.number < 1:
        parser.error('--number has to be at least 1')
    if args.seed < 0:
        parser.error('--seed has to be at least 0')
    return args


def pictures(args: argparse.Namespace) -> Iterator[np.ndarray]:
    """What the command line asks to see."""
    sequences = expand_sequences(args.sequences)
    if args.source.suffix != '.json':
        cfg = read_config(args.source, args.cfg_options)
        return browse_dataset(cfg, args.split, sequences, args.seed)
    if not args.source.is_file():
        raise UserError(f'annotation file {args.source} does not exist')
    if args.images is None:
        raise UserError(f'{args.source}: name the folder of its frames with --images')
    return browse_annotations(load_truth(str(args.source)), args.images, sequences)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw as the command line says."""
    args = parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    shown = islice(pictures(args), args.number)
    # what is wrong with the source shows before anything is written
    first = next(shown, None)
    if first is None:
        raise UserError(f'{args.source}: there is nothing to draw')
    # a video has one size, a data set need not
    height, width = map(min, first.shape[:2], MAX_SIZE)
    with open_writer(args.out, args.fps) as writer:
        for picture in track(
            chain([first], shown),
            'drawing',
            console=console,
            disable=not console.is_terminal,
        ):
            writer.write(fit(picture, (height, width)))
    console.print(f'{args.out}: {writer.frames} pictures', markup=False)


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
