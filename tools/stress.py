"""Throw bad input at mmvist and count what comes of it.

``annotations`` spoils json, txt and png files at random: each has to load or to be
refused in one line, within ten seconds and two gigabytes, and without a look beside
the data folder.

Example:
    python tools/stress.py annotations --count 1000
"""

import argparse
import sys
from collections.abc import Sequence

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.stress.annotations import tally, try_annotations


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', choices=['annotations'])
    parser.add_argument('--count', type=int, default=1000, help='files (default: 1000)')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    if args.count < 1:
        parser.error('--count has to be at least 1')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Stress as the command line says.

    Raises:
        UserError: Something was not as it has to be.
    """
    args = parse_args(argv)
    torch.set_num_threads(1)  # its threads do not outlive a fork
    console = Console(width=110, highlight=False)
    trials = list(
        track(
            try_annotations(args.count, args.seed),
            total=args.count,
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
    )
    found = tally(trials)
    kinds = sorted({kind for counts in found.values() for kind in counts})
    table = Table(title=f'{len(trials)} spoilt files')
    table.add_column('')
    for kind in kinds:
        table.add_column(kind, justify='right')
    for reader, counts in found.items():
        table.add_row(reader, *(str(counts[kind]) for kind in kinds))
    console.print(table)
    bad = [trial for trial in trials if not trial.good]
    for trial in bad[:20]:
        console.print(
            f'{trial.number}, {trial.reader}: {trial.outcome.kind}: '
            f'{trial.outcome.text[:300]}',
            markup=False,
        )
    if bad:
        raise UserError(f'{len(bad)} of {len(trials)} spoilt files were not refused')


if __name__ == '__main__':
    sys.exit(run_tool(main))
