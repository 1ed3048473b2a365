"""Whether the probabilities of a VAE-VIST are right, by the number of draws of z.

Tests the model on the test set of the config and prints, for each S: the expected
calibration error of "same identity as before" and of mask pixels, Spearman's
correlation of the variance of propagated boxes with the hidden fraction (--hidden),
and the time of a frame. --out draws reliability diagrams.

Example:
    python tools/analysis_tools/uncertainty_report.py CONFIG CHECKPOINT \\
        --samples 1 4 8 --hidden data/synthetic/hidden.json --out reliability.png
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmvist.analysis.diagrams import reliability_diagrams
from mmvist.analysis.timing import step_times
from mmvist.analysis.uncertainty import Uncertainty, measure_uncertainty
from mmvist.benchmark.side_by_side import Race
from mmvist.datasets import DataError
from mmvist.engine.checkpoint import load_weights
from mmvist.engine.errors import UserError
from mmvist.engine.launch import (
    add_common_arguments,
    ann_file_of,
    build_runner,
    check_data,
    load_config,
    run_tool,
)
from mmvist.evaluation.absence import load_hidden
from mmvist.evaluation.truth import load_truth


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--samples', type=int, nargs='+', default=[1, 4, 8], help='numbers of draws'
    )
    parser.add_argument(
        '--hidden',
        type=Path,
        help='hidden.json of tools/dataset_converters/make_synthetic.py',
    )
    parser.add_argument(
        '--frames', type=int, default=100, help='of the comparison of times; 0: none'
    )
    parser.add_argument('--out', type=Path, help='picture, .png or .pdf')
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if min(args.samples) < 1:
        parser.error('--samples are numbers from 1 on')
    if args.out and not args.out.resolve().parent.is_dir():
        raise UserError(f'folder {args.out.parent} of the output does not exist')
    return args


def progress(batches: Sequence) -> Iterator:
    """Show how far it is, on a terminal."""
    console = Console(stderr=True)
    return iter(track(batches, console=console, disable=not console.is_terminal))


def table_of(found: Mapping[int, Uncertainty], times: Race | None) -> Table:
    """The numbers of each S."""
    table = Table(title='by number of draws')
    table.add_column('')
    for count in found:
        table.add_column(f'S = {count}', justify='right')
    correlations = {count: one.correlations() for count, one in found.items()}
    rows = {
        'ECE same identity': [f'{one.identity.ece():.4f}' for one in found.values()],
        '  known instances': [str(len(one.identity)) for one in found.values()],
        'ECE mask pixels': [f'{one.pixels.ece():.4f}' for one in found.values()],
        '  pixels': [str(len(one.pixels)) for one in found.values()],
        'box std, median (pixels)': [
            f'{one.median_deviation():.4f}' for one in found.values()
        ],
    }
    for key, title in (
        ('box', 'Spearman box variance'),
        ('relative', 'Spearman box variance / area'),
        ('mask', 'Spearman mask variance'),
    ):
        rows[title] = [f'{correlations[count][key]:.3f}' for count in found]
    if times:
        first = str(min(found))
        rows['time of a frame (ms)'] = [
            f'{1e3 * times.time(str(c)):.1f}' for c in found
        ]
        rows[f'  over S = {first}'] = [
            f'{times.ratio(str(c), first)[0]:.2f}' for c in found
        ]
    for title, cells in rows.items():
        table.add_row(title, *cells)
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Report as the command line says."""
    args = parse_args(argv)
    hidden = load_hidden(args.hidden) if args.hidden else None
    cfg = load_config(args)
    check_data(cfg, ['test_dataloader'])
    cfg.log_level = 'WARNING'
    ann_file = ann_file_of(cfg.test_dataloader.dataset)
    cfg.test_evaluator = [dict(type='mmvist.MOTSMetric', ann_file=ann_file)]
    runner = build_runner(cfg)
    load_weights(runner.model, args.checkpoint)
    truth = load_truth(ann_file)
    found = {
        count: measure_uncertainty(runner, truth, count, hidden, progress)
        for count in args.samples
    }
    times = step_times(runner, args.samples, args.frames) if args.frames else None
    console = Console(width=100, highlight=False)
    console.print(table_of(found, times))
    if args.out:
        reliability_diagrams(found, args.out)
        console.print(f'written: {args.out}', markup=False)


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
