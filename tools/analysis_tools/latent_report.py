"""What the latent of a trained VAE-VIST does: its correlation, and whether z is used.

Prints rho over training (of --log), the active latent units on the test set of the
config, and the error of D_aux and sMOTSA with z as it is, with the z of another clip,
and with z = 0.

Example:
    python tools/analysis_tools/latent_report.py CONFIG work_dirs/demo/iter_1000.pth \\
        --log work_dirs/demo/20260101_000000/vis_data/scalars.json
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmvist.analysis.latent_use import (
    CONFIRMED_FROM,
    LatentUse,
    RhoLog,
    latent_use,
    read_rho,
)
from mmvist.datasets import DataError
from mmvist.engine.errors import UserError
from mmvist.engine.launch import (
    add_common_arguments,
    check_data,
    load_config,
    run_tool,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--log', type=Path, help="the training's scalars.json")
    add_common_arguments(parser)
    args = parser.parse_args(argv)
    if not Path(args.checkpoint).is_file():
        raise UserError(f'checkpoint {args.checkpoint} does not exist')
    return args


def rho_table(log: RhoLog) -> Table:
    """rho at some moments of training."""
    table = Table(title='rho over training')
    for title in ('iteration', 'rho', 'mean |rho|'):
        table.add_column(title, justify='right')
    for iteration, rho, abs_rho in log.spread(10):
        table.add_row(str(iteration), f'{rho:+.4f}', f'{abs_rho:.4f}')
    return table


def verdict(log: RhoLog) -> str:
    """Whether correlation matters, in a line."""
    word = 'confirmed' if log.confirmed else 'not confirmed'
    return (
        f'mean |rho| at the end (last tenth) {log.at_end:.4f}, threshold '
        f'{CONFIRMED_FROM}: that correlation matters is {word}'
    )


def use_table(found: Sequence[LatentUse]) -> Table:
    """Error and sMOTSA by which z was used."""
    table = Table(title='is z used?')
    titles = ('z', 'aux MSE', 'ratio', 'sMOTSA', 'change', 'IDS', 'FN')
    for title in titles:
        table.add_column(title, justify='left' if title == 'z' else 'right')
    own = found[0]
    for one in found:
        score = one.metrics['mots/sMOTSA']
        table.add_row(
            one.name,
            f'{one.probe.aux_error:.4f}',
            f'{one.probe.aux_error / own.probe.aux_error:.2f}',
            f'{score:.4f}',
            f'{score - own.metrics["mots/sMOTSA"]:+.4f}',
            *(str(one.metrics[f'mots/{key}']) for key in ('IDS', 'FN')),
        )
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Report as the command line says."""
    args = parse_args(argv)
    log = read_rho(args.log) if args.log else None
    cfg = load_config(args)
    check_data(cfg, ['test_dataloader'])
    cfg.log_level = 'WARNING'
    found = latent_use(cfg, args.checkpoint)
    console = Console(width=100, highlight=False)
    if log is not None:
        console.print(rho_table(log))
        console.print(verdict(log), markup=False, soft_wrap=True)
    active, units, frames = found[0].probe.units.count()
    console.print(f'active latent units: {active} of {units}, over {frames} frames')
    for name in ('rho', 'sigma'):
        values = found[0].probe.quantiles
        told = ', '.join(
            f'{key.split("_")[1]} {value:+.4f}'
            for key, value in values.items()
            if key.startswith(name)
        )
        console.print(f'{name} in the last frame: {told or "no posterior"}')
    console.print(use_table(found))


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
