"""The paper's tables as experiments.

Table 1 compares VAE-VIST with its peers, table 2 with itself without its parts. Every
row is trained and tested, one process at a time; what is done is kept, and the same
command goes on where it was stopped. Then the table is printed and written as markdown
and json beside a plot of sMOTSA over training.

Example:
    python tools/benchmark/tables.py --table 1 --data synthetic --seeds 0 1 2
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmvist.benchmark.report import markdown, write
from mmvist.benchmark.rows import TABLES, choose_rows, find_data
from mmvist.benchmark.tables import Benchmark
from mmvist.engine.launch import run_tool

TOOLS = Path(__file__).resolve().parents[1]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--table', type=int, choices=sorted(TABLES), required=True)
    parser.add_argument(
        '--data',
        default='synthetic',
        help='synthetic (default), composite, or a folder with annotations/train.json '
        'and val.json',
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument(
        '--rows', nargs='+', metavar='NAME', help='only these and VAE-VIST'
    )
    parser.add_argument(
        '--search',
        type=int,
        default=12,
        metavar='N',
        help='settings of learning rate and thresholds that are tried for each row on '
        'held-out training clips; 0: the defaults of the configs (default: 12)',
    )
    parser.add_argument(
        '--searched-on',
        metavar='DATA',
        help='take the settings that the search of that size found on another data set',
    )
    parser.add_argument(
        '--searched-in',
        type=Path,
        metavar='DIR',
        help='take the settings that the search of that size found in another '
        '--work-dir, of trainings that may have had another length',
    )
    parser.add_argument(
        '--max-iters',
        type=int,
        metavar='N',
        help='of each training (default: 1000, on the composites 4000)',
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/benchmark'))
    parser.add_argument(
        '--report-only', action='store_true', help='make the table of what is done'
    )
    args = parser.parse_args(argv)
    if args.search < 0:
        parser.error('--search must not be negative')
    for option in ('searched_on', 'searched_in'):
        if getattr(args, option) and not args.search:
            name = option.replace('_', '-')
            parser.error(f'--{name} asks for a search, --search 0 for none')
    if args.searched_in and args.searched_in.resolve() == args.work_dir.resolve():
        parser.error('--searched-in is --work-dir: trainings would be mixed up')
    if args.max_iters is not None and args.max_iters < 1:
        parser.error('--max-iters has to be at least 1')
    if len(set(args.seeds)) < len(args.seeds):
        parser.error('--seeds names one twice')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run and report as the command line says."""
    args = parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    benchmark = Benchmark(
        args.table,
        choose_rows(args.table, args.rows),
        find_data(args.data),
        args.seeds,
        args.work_dir,
        args.search,
        args.max_iters,
        find_data(args.searched_on) if args.searched_on else None,
        args.searched_in,
    )
    if not args.report_only:
        hidden = {'CUDA_VISIBLE_DEVICES': ''} if args.device == 'cpu' else {}
        benchmark.run(console, TOOLS, hidden)
    results = benchmark.results()
    title = f'Table {args.table}, {args.data}'
    paths = write(results, title, benchmark.folder / f'table{args.table}')
    console.print(markdown(results, title), markup=False)
    console.print('written: ' + ', '.join(map(str, paths)), markup=False)


if __name__ == '__main__':
    try:
        sys.exit(run_tool(main))
    except KeyboardInterrupt:
        sys.exit('\nstopped; the same command goes on where it was')
