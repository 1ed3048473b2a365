"""MOTSChallenge by leave one out: run the folds, sum their counts.

Each fold is trained on the other sequences (or takes a given checkpoint) and tested on
its own; then the predictions of all are judged as one test, as in table 1(c) of the
paper. What is done already is passed over, and an interrupted training goes on.

Example:
    python tools/mots_challenge_folds.py --gpus 4 --work-dir work_dirs/mots_challenge \
        configs/vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_motschallenge_fold-02.py
    python tools/mots_challenge_folds.py CONFIG --work-dir work_dirs/elsewhere \
        --checkpoint 'weights/{fold}.pth'
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmvist.datasets import DataError
from mmvist.engine.errors import UserError
from mmvist.engine.folds import Fold, find_folds, run_folds, sum_folds, table_of
from mmvist.engine.launch import (
    CfgOptions,
    ann_file_of,
    load_config,
    run_tool,
    write_metrics,
)
from mmvist.engine.steps import Steps

TOOLS = Path(__file__).resolve().parent


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file of any of the folds')
    parser.add_argument(
        '--work-dir', type=Path, required=True, help='gets a folder a fold'
    )
    parser.add_argument(
        '--checkpoint',
        metavar='FILE',
        help='do not train: test these weights, {fold} in the name stands for the '
        'sequence that is tested',
    )
    parser.add_argument(
        '--folds',
        nargs='+',
        metavar='NAME',
        help='run these only, such as MOTS20-05; the sum follows once all have run',
    )
    parser.add_argument(
        '--gpus', type=int, default=1, help='processes that train together (default 1)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that replace those of the config, as key=value',
    )
    parser.set_defaults(launcher='none', local_rank=0)
    args = parser.parse_args(argv)
    if args.gpus < 1:
        parser.error('--gpus has to be at least 1')
    return args


def make_folds(args: argparse.Namespace, names: Sequence[str]) -> list[Fold]:
    """All folds of the command line.

    Raises:
        UserError: A checkpoint does not exist, or --folds names what there is not.
    """
    unknown = [name for name in args.folds or () if name not in names]
    if unknown:
        raise UserError(f'there is no fold {unknown[0]}; there are {", ".join(names)}')
    folds = []
    for name in names:
        checkpoint = args.checkpoint and args.checkpoint.replace('{fold}', name)
        wanted = not args.folds or name in args.folds
        if checkpoint and '://' not in checkpoint:
            if wanted and not os.path.isfile(checkpoint):
                raise UserError(f'checkpoint {checkpoint} does not exist')
            checkpoint = os.path.abspath(checkpoint)
        folds.append(Fold(name, args.work_dir / name, checkpoint))
    return folds


def main(argv: Sequence[str] | None = None) -> None:
    """Run the folds as the command line says."""
    args = parse_args(argv)
    cfg = load_config(args)
    folds = make_folds(args, find_folds(cfg))
    wanted = [fold for fold in folds if not args.folds or fold.name in args.folds]
    console = Console(highlight=False, soft_wrap=True)
    total = len(wanted) * (1 if args.checkpoint else 2) + 1
    steps = Steps(console, total, TOOLS)
    run_folds(cfg, wanted, steps, args.gpus)
    missing = [fold.name for fold in folds if fold.result() is None]
    if missing:
        console.print(f'\nthe sum has to wait for {", ".join(missing)}', markup=False)
        return
    truth = Path(ann_file_of(cfg.test_dataloader.dataset)).with_name('all.json')
    numbers = sum_folds(folds, truth, steps)
    path = write_metrics(numbers, args.work_dir)
    console.print(
        f'\n{table_of(numbers, folds)}\n\nmetrics are in {path}', markup=False
    )


if __name__ == '__main__':
    stopped = 'stopped; the same command goes on from the last checkpoint'
    sys.exit(run_tool(main, DataError, stopped=stopped))
