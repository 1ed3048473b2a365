"""Predictions of one or more methods beside the truth, as one picture.

A row of frames for each method and one of the truth; red arrows point at missed
instances, red plates name identity switches. A prediction is a folder of MOTS txt
files, a YouTube-VIS result json, or what ``tools/test.py --out TRACKS.pkl`` wrote (a
pickle: only open your own).

Example:
    python tools/analysis_tools/compare.py data/synthetic/annotations/val.json \\
        work_dirs/floor/results.mots work_dirs/vae-vist/results.mots \\
        --images data/synthetic/training/image_02 --out figure.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
from rich.console import Console

from mmvist.apis.method_figure import (
    method_figure,
    most_different_video,
    read_method,
)
from mmvist.datasets import DataError
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.evaluation.truth import Truth, TruthVideo, load_truth


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('truth', type=Path, help='annotation file')
    parser.add_argument('predictions', type=Path, nargs='+')
    parser.add_argument(
        '--images', type=Path, required=True, help='folder of the frames'
    )
    parser.add_argument('--out', type=Path, required=True, help='.png or .jpg')
    parser.add_argument(
        '--names', nargs='+', help='of the methods (default: of their files)'
    )
    parser.add_argument(
        '--video', help='by name (default: where the methods differ most)'
    )
    parser.add_argument(
        '--frames',
        type=int,
        nargs='+',
        default=[],
        help='by the number of their file (default: where the methods differ most)',
    )
    parser.add_argument(
        '--number', type=int, default=4, help='of frames by default (default: 4)'
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.3, help='weaker ones are left out'
    )
    parser.add_argument(
        '--iou', type=float, default=0.5, help='found from here on (default: 0.5)'
    )
    args = parser.parse_args(argv)
    if args.names and len(args.names) != len(args.predictions):
        parser.error('--names takes one name for each prediction')
    if args.number < 1:
        parser.error('--number has to be at least 1')
    return args


def check(args: argparse.Namespace) -> None:
    """Find out before the work whether its files are there.

    Raises:
        UserError: One is not.
    """
    if args.out.suffix.lower() not in ('.png', '.jpg', '.jpeg'):
        raise UserError(f'--out {args.out} has to end with .png or .jpg')
    if not args.out.parent.is_dir():
        raise UserError(f'folder {args.out.parent} of the output does not exist')
    if args.images.resolve() in args.out.resolve().parents and args.out.exists():
        raise UserError(f'--out {args.out} is one of the frames; name another file')
    if not args.truth.is_file():
        raise UserError(f'annotation file {args.truth} does not exist')


def names_of(paths: Sequence[Path]) -> list[str]:
    """What tells files apart: their own name, or that of their folder."""
    own = [path.stem for path in paths]
    return own if len(set(own)) == len(own) else [path.parent.name for path in paths]


def video_of(name: str, truth: Truth) -> TruthVideo:
    """The video of that name.

    Raises:
        UserError: There is none.
    """
    for video in truth.videos:
        if video.name == name:
            return video
    names = ', '.join(video.name for video in truth.videos)
    raise UserError(f'--video {name}: there is no such video, only {names}')


def main(argv: Sequence[str] | None = None) -> None:
    """Draw as the command line says."""
    args = parse_args(argv)
    check(args)
    truth = load_truth(str(args.truth))
    names = args.names or names_of(args.predictions)
    methods = [
        read_method(path, name, truth, args.score_thr)
        for path, name in zip(args.predictions, names, strict=True)
    ]
    if args.video:
        video = video_of(args.video, truth)
    else:
        video = most_different_video(methods, truth, args.iou)
    figure = method_figure(
        methods, video, truth, args.images, args.frames, args.number, args.iou
    )
    if not cv2.imwrite(str(args.out), figure):
        raise UserError(f'{args.out} cannot be written')
    Console(highlight=False, soft_wrap=True).print(
        f'{args.out}: video {video.name}, {figure.shape[1]} x {figure.shape[0]}',
        markup=False,
    )


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
