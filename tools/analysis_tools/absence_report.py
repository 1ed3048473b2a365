"""Which identities survive an absence, and what is found of objects half hidden.

Prints, for each method, how many identities it kept over absences by their length and
kind (hidden by something, or out of the frame), and recall and identity switches by the
fraction of an object that cannot be seen; --out draws the same.

Example:
    python tools/analysis_tools/absence_report.py annotations/val.json \\
        work_dirs/floor/results.mots work_dirs/vae-vist/results.mots \\
        --hidden data/synthetic/hidden.json --out absence.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from rich.console import Console
from rich.table import Table

from mmvist.apis.method_figure import read_method
from mmvist.datasets import DataError
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.evaluation.absence import BINS, Followed, Hidden, load_hidden
from mmvist.evaluation.frame_errors import find_errors
from mmvist.evaluation.truth import Truth, load_truth

LENGTHS = ((1,), (2,), (3,), (4,), (5,))
UP_TO = range(1, 4)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('truth', type=Path, help='annotation file')
    parser.add_argument('predictions', type=Path, nargs='+')
    parser.add_argument('--names', nargs='+', help='of the methods')
    parser.add_argument(
        '--hidden',
        type=Path,
        help='hidden.json of tools/dataset_converters/make_synthetic.py',
    )
    parser.add_argument('--out', type=Path, help='picture, .png or .pdf')
    parser.add_argument('--score-thr', type=float, default=0.0)
    args = parser.parse_args(argv)
    if args.names and len(args.names) != len(args.predictions):
        parser.error('--names takes one name for each prediction')
    if not args.truth.is_file():
        raise UserError(f'annotation file {args.truth} does not exist')
    return args


def follow(path: Path, name: str, truth: Truth, hidden: Hidden | None, score: float):
    """Count one method over all videos."""
    method, counts = read_method(path, name, truth, score), Followed()
    for video in truth.videos:
        fractions = None
        if hidden is not None:
            fractions = hidden.get(video.name, ())
        counts.add(video, find_errors(video.frames, method.frames), fractions)
    return counts


def absence_table(methods: dict[str, Followed], left: bool) -> Table:
    """Identities kept by length of the absence."""
    table = Table(title='out of the frame' if left else 'hidden')
    table.add_column('identities kept')
    for lengths in LENGTHS:
        table.add_column(f'{lengths[0]} frame(s)', justify='right')
    table.add_column('up to 3', justify='right')
    for name, counts in methods.items():
        kept = [counts.kept(left, lengths) for lengths in (*LENGTHS, UP_TO)]
        table.add_row(name, *(f'{k} of {n}' if n else '-' for k, n in kept))
    return table


def hidden_table(methods: dict[str, Followed]) -> Table:
    """Recall, and switches in a thousand instances, by hidden fraction."""
    table = Table(title='recall / switches per 1,000, by hidden fraction')
    table.add_column('')
    for low, high in zip(BINS, BINS[1:], strict=False):
        table.add_column(f'{low:g} to {high:g}', justify='right')
    first = next(iter(methods.values()))
    places = range(len(BINS) - 1)
    table.add_row('instances', *(str(first.shown[i]) for i in places))
    for name, counts in methods.items():
        cells = []
        for i in places:
            shown = counts.shown[i]
            cells.append(
                f'{counts.found[i] / shown:.3f} / '
                f'{1000 * counts.switches[i] / shown:.0f}'
                if shown
                else '-'
            )
        table.add_row(name, *cells)
    return table


def draw(methods: dict[str, Followed], path: Path, with_hidden: bool) -> None:
    """The same as a picture."""
    figure, axes = plt.subplots(
        1,
        4 if with_hidden else 2,
        figsize=(13 if with_hidden else 7, 3.6),
        layout='constrained',
    )
    for name, counts in methods.items():
        for axis, left in zip(axes, (False, True), strict=False):
            kept = [counts.kept(left, lengths) for lengths in LENGTHS]
            points = [(n[0], k / m) for n, (k, m) in zip(LENGTHS, kept) if m]
            axis.plot(*zip(*points) if points else ((), ()), marker='o', label=name)
            axis.set(
                title='out of the frame' if left else 'hidden by something',
                xlabel='frames of absence',
                ylabel='identities kept',
                ylim=(-0.03, 1.03),
                xticks=[n[0] for n in LENGTHS],
            )
        if with_hidden:
            places = [i for i in range(len(BINS) - 1) if counts.shown[i]]
            middle = [(BINS[i] + BINS[i + 1]) / 2 for i in places]
            axes[2].plot(
                middle,
                [counts.found[i] / counts.shown[i] for i in places],
                marker='o',
                label=name,
            )
            axes[3].plot(
                middle,
                [1000 * counts.switches[i] / counts.shown[i] for i in places],
                marker='o',
                label=name,
            )
    if with_hidden:
        axes[2].set(xlabel='hidden fraction', ylabel='recall')
        axes[3].set(xlabel='hidden fraction', ylabel='identity switches per 1,000')
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc='outside lower center', ncols=len(axes), fontsize=9
    )
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise UserError(f'{path} cannot be written: {error}') from None


def main(argv: Sequence[str] | None = None) -> None:
    """Report as the command line says."""
    args = parse_args(argv)
    try:
        truth = load_truth(str(args.truth))
    except ValueError as error:
        raise UserError(str(error)) from None
    hidden = load_hidden(args.hidden) if args.hidden else None
    names = args.names or [
        path.stem if path.name != 'results.mots' else path.parent.name
        for path in args.predictions
    ]
    if len(set(names)) < len(names):
        raise UserError(f'two methods have one name, of {names}: tell them by --names')
    methods = {
        name: follow(path, name, truth, hidden, args.score_thr)
        for path, name in zip(args.predictions, names, strict=True)
    }
    console = Console(width=120)
    for left in (False, True):
        console.print(absence_table(methods, left))
    if hidden is not None:
        console.print(hidden_table(methods))
    if args.out:
        draw(methods, args.out, hidden is not None)
        console.print(f'written: {args.out}', markup=False)


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
