"""Train a model: ``python tools/train.py CONFIG [--work-dir DIR] ...``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config

from mmvist.datasets import DataError
from mmvist.engine.checkpoint import latest_checkpoint
from mmvist.engine.errors import UserError
from mmvist.engine.launch import (
    add_common_arguments,
    build_runner,
    check_data,
    load_config,
    run_tool,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of MMDetection's ``tools/train.py``."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision, on a GPU'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size over all processes',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from a checkpoint; without a name, from the latest one in the '
        'work dir, or from the start where there is none',
    )
    add_common_arguments(parser)
    return parser.parse_args(argv)


def settle(cfg: Config, args: argparse.Namespace) -> Config:
    """Bring the arguments of training into the config.

    Raises:
        UserError: An argument asks for what the config or the machine lacks.
    """
    if args.amp:
        if not torch.cuda.is_available():
            raise UserError('--amp needs a GPU, and torch sees none')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise UserError('--auto-scale-lr needs auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        found = args.resume != 'auto' or latest_checkpoint(cfg.work_dir)
        cfg.resume = bool(found)
        if found:
            cfg.load_from = None if args.resume == 'auto' else args.resume
        else:  # as the config says, its load_from too
            print(f'{cfg.work_dir} has no checkpoint: from the start')
    start = cfg.get('load_from')
    if start and '://' not in start and not Path(start).is_file():
        raise UserError(f'checkpoint {start} does not exist')
    return cfg


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    args = parse_args(argv)
    cfg = settle(load_config(args), args)
    check_data(cfg, ['train_dataloader', 'val_dataloader'])
    build_runner(cfg).train()


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
