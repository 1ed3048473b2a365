"""Test a model: ``python tools/test.py CONFIG CHECKPOINT --eval track_segm``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from mmvist.datasets import DataError
from mmvist.engine import VISTRunner
from mmvist.engine.errors import UserError
from mmvist.engine.launch import (
    add_common_arguments,
    ann_file_of,
    build_runner,
    check_data,
    load_config,
    run_tool,
    write_metrics,
)
from mmvist.evaluation import EVALUATIONS, build_evaluator


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of MMDetection's ``tools/test.py``, and MMTracking's ``--eval``."""
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file')
    parser.add_argument(
        '--checkpoint',
        dest='checkpoint_option',
        metavar='CHECKPOINT',
        help='the same, as in MMTracking',
    )
    parser.add_argument(
        '--eval',
        nargs='+',
        metavar='NAME',
        help='what to compute, in place of the test_evaluator of the config: '
        + ', '.join(EVALUATIONS),
    )
    parser.add_argument(
        '--format-only',
        action='store_true',
        help='compute nothing: write the predictions as the benchmarks take them, '
        'MOTS txt (and png, where outfile_formats of the MOTSMetric in the config says '
        'so) into <work dir>/results.mots/ and YouTube-VIS json (and its zip) to '
        '<work dir>/results.youtube_vis.json; --eval says which, by default both',
    )
    parser.add_argument('--out', metavar='FILE.pkl', help='write the predictions')
    parser.add_argument(
        '--show-dir', help='paint every frame into <show-dir>/<video id>/'
    )
    add_common_arguments(parser)
    return parser.parse_args(argv)


def checkpoint_of(cfg: Config, args: argparse.Namespace) -> str:
    """The one checkpoint that the command line or the config names.

    Raises:
        UserError: None, two different ones, or one that does not exist.
    """
    given = {args.checkpoint, args.checkpoint_option} - {None}
    if len(given) > 1:
        raise UserError(f'two checkpoints are given: {", ".join(sorted(given))}')
    checkpoint = given.pop() if given else cfg.get('load_from')
    if not checkpoint:
        raise UserError('no checkpoint is given: it is the second argument')
    if '://' not in checkpoint and not Path(checkpoint).is_file():
        raise UserError(f'checkpoint {checkpoint} does not exist')
    return checkpoint


def metrics_of(cfg: Config) -> list[dict]:
    """The metrics that the config names for testing."""
    metrics = cfg.get('test_evaluator') or []
    return [metrics] if isinstance(metrics, dict) else list(metrics)


def mots_formats_of(cfg: Config) -> str | Sequence[str] | None:
    """Formats of files that the MOTSMetric of the config asks for, if it does."""
    for metric in metrics_of(cfg):
        if str(metric.get('type')).endswith('MOTSMetric'):
            return metric.get('outfile_formats')
    return None


def settle(cfg: Config, args: argparse.Namespace) -> Config:
    """Bring the arguments of testing into the config.

    Raises:
        UserError: An argument asks for what there is not.
    """
    cfg.load_from, cfg.resume = checkpoint_of(cfg, args), False
    if not cfg.get('test_dataloader'):
        raise UserError(f'config {args.config} has no test_dataloader')
    if args.eval or args.format_only:
        results = str(Path(cfg.work_dir) / 'results') if args.format_only else None
        try:
            cfg.test_evaluator = build_evaluator(
                args.eval or ['track_segm'],
                ann_file=ann_file_of(cfg.test_dataloader.dataset),
                outfile_prefix=results,
                format_only=args.format_only,
                mots_formats=mots_formats_of(cfg),
                host=cfg.get('default_scope', 'mmdet'),
            )
        except ValueError as error:
            raise UserError(f'--eval: {error}') from None
    if args.out and not args.out.endswith(('.pkl', '.pickle')):
        raise UserError(f'--out {args.out} has to end with .pkl or .pickle')
    if args.out:
        cfg.test_evaluator = [
            *metrics_of(cfg),
            dict(type='mmvist.DumpTracks', out_file_path=args.out),
        ]
    if args.show_dir:
        cfg.custom_hooks = [
            *(cfg.get('custom_hooks') or []),
            dict(type='mmvist.ShowDirHook', show_dir=args.show_dir),
        ]
    return cfg


def main(argv: Sequence[str] | None = None) -> None:
    """Test as the command line says and write ``metrics.json``."""
    args = parse_args(argv)
    cfg = settle(load_config(args), args)
    check_data(cfg, ['test_dataloader'])
    runner = build_runner(cfg)
    metrics = runner.test()
    if not args.format_only:  # else each metric has said where its files are
        path = write_metrics(metrics, cfg.work_dir)
        if is_main_process():
            print(f'metrics are in {path}')
    if isinstance(runner, VISTRunner):
        runner.unreadable.check()


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
