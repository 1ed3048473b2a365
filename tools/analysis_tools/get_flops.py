"""Multiply-adds of one frame in testing, at a fixed number of objects.

Example:
    python tools/analysis_tools/get_flops.py CONFIG --objects 4
"""

import argparse
import sys
from collections.abc import Sequence

from mmengine.config import DictAction
from rich.console import Console
from rich.table import Table

from mmvist.apis.complexity import Complexity, frame_complexity
from mmvist.engine.launch import read_config, run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('HEIGHT', 'WIDTH'),
        help='of a resized frame; by default that of the test pipeline',
    )
    parser.add_argument(
        '--objects', type=int, default=4, help='instances in the frame (default: 4)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that replace those of the config, as key=value',
    )
    args = parser.parse_args(argv)
    if args.objects < 1 or (args.shape and min(args.shape) < 1):
        parser.error('--shape and --objects are at least 1')
    return args


def report(found: Complexity) -> Table:
    """A row for each part, the largest first."""
    height, width = found.size
    table = Table(
        title=f'one frame of {width} x {height}, {found.objects} objects; '
        f'{found.parameters / 1e6:.2f} M parameters'
    )
    table.add_column('part')
    table.add_column('multiply-adds (M)', justify='right')
    parts = sorted(found.by_part.items(), key=lambda part: -part[1])
    for name, count in [*parts, ('all', found.multiply_adds)]:
        table.add_row(name, f'{count / 1e6:.1f}')
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    args = parse_args(argv)
    cfg = read_config(args.config, args.cfg_options)
    size = tuple(args.shape) if args.shape else None
    Console(width=100).print(report(frame_complexity(cfg, size, args.objects)))


if __name__ == '__main__':
    sys.exit(run_tool(main))
