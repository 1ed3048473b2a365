"""Training and testing in several processes of one thread each, by gloo.

Training: samples a second. Testing: clips that differ in length by a hundred times,
made of the test clips of the config, played forth and back; how long each process
works, and waits for the others.

Example:
    python tools/benchmark/processes.py CONFIG --processes 1 2 4
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mmengine.config import Config
from rich.console import Console

from mmvist.benchmark.processes import stretched
from mmvist.benchmark.side_by_side import report
from mmvist.datasets.converters import write_json
from mmvist.engine.candidate import set_iterations
from mmvist.engine.launch import ann_file_of, inner_dataset, read_config, run_tool
from mmvist.engine.steps import Steps
from mmvist.evaluation import build_evaluator

TOOLS = Path(__file__).resolve().parents[1]
LENGTHS = 200, 150, 120, 100, 80, 60, 40, 20, 10, 5, 3, 2, 2
"""Frames of the clips to test on; the longest has a quarter of all."""
WARMUP = 10
"""Iterations that do not count."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path, help='counts in iterations')
    parser.add_argument('--processes', type=int, nargs='+', default=[1, 2, 4])
    parser.add_argument('--iterations', type=int, default=60, help='of training')
    parser.add_argument('--rounds', type=int, default=2, help='of trainings')
    parser.add_argument('--port', type=int, default=29611)
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/performance/processes')
    )
    args = parser.parse_args(argv)
    if args.iterations <= WARMUP:
        parser.error(f'--iterations has to be over {WARMUP}: so many do not count')
    if min(args.rounds, *args.processes) < 1:
        parser.error('--rounds and --processes have to be at least 1')
    if args.out.exists():
        parser.error(f'--out {args.out} exists: remove it, or name another folder')
    return args


def training_config(base: Path, iterations: int) -> Config:
    """A training that is only timed."""
    cfg = read_config(base)
    set_iterations(cfg, iterations)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.pop('val_interval', None)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    # of each iteration alone
    cfg.log_processor = dict(window_size=1, by_epoch=False)
    cfg.default_hooks.checkpoint.update(interval=iterations, save_optimizer=False)
    cfg.default_hooks.checkpoint.pop('save_best', None)
    return cfg


def test_config(base: Path, folder: Path) -> Config:
    """A test on clips of :data:`LENGTHS`."""
    cfg = read_config(base)
    annotations = json.loads(Path(ann_file_of(cfg.test_dataloader.dataset)).read_text())
    path = (folder / 'clips.json').resolve()
    write_json(stretched(annotations, LENGTHS), path, force=True)
    inner_dataset(cfg.test_dataloader.dataset)['ann_file'] = str(path)
    cfg.test_evaluator = build_evaluator(['mots'], ann_file=str(path))
    cfg.custom_imports = dict(imports=['mmvist', 'mmvist.benchmark.processes'])
    cfg.custom_hooks = [
        *cfg.get('custom_hooks', []),
        dict(type='mmvist.RankClockHook'),
    ]
    return cfg


def seconds_of(folder: Path) -> list[float]:
    """Of each iteration of the training there."""
    (path,) = folder.glob('*/vis_data/scalars.json')
    lines = map(json.loads, path.read_text().splitlines())
    return [line['time'] for line in lines if 'loss' in line][WARMUP:]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=False)
    steps = Steps(
        Console(highlight=False, soft_wrap=True),
        len(args.processes) * (args.rounds + 1),
        TOOLS,
        dict(OMP_NUM_THREADS='1', PORT=str(args.port)),
    )
    train, test = args.out / 'train.py', args.out / 'test.py'
    cfg = training_config(args.config, args.iterations)
    batch = cfg.train_dataloader.batch_size
    cfg.dump(train)
    test_config(args.config, args.out).dump(test)

    rates: dict[int, list[float]] = {n: [] for n in args.processes}
    for number in range(args.rounds):
        for n in args.processes:
            steps.announce(f'{n} processes train')
            folder = args.out / f'train{n}_{number}'
            steps.run('dist_train.sh', train, n, '--work-dir', folder)
            rates[n].append(n * batch / median(seconds_of(folder)))
    weights = folder / f'iter_{args.iterations}.pth'
    clocks: dict[int, list[dict]] = {}
    for n in args.processes:
        steps.announce(f'{n} processes test')
        folder = args.out / f'test{n}'
        steps.run('dist_test.sh', test, weights, n, '--work-dir', folder)
        clocks[n] = [
            json.loads((folder / f'rank{rank}.json').read_text()) for rank in range(n)
        ]
    first = args.processes[0]
    rows = []
    for n in args.processes:
        done = max(one['done'] for one in clocks[n])
        begun = min(one['begun'] for one in clocks[n])
        waits = [(done - one['done']) / (done - begun) for one in clocks[n]]
        rows.append(
            [
                str(n),
                f'{median(rates[n]):.2f}',
                f'{median(rates[n]) / median(rates[first]):.2f}',
                ', '.join(str(one['frames']) for one in clocks[n]),
                f'{done - begun:.0f} s',
                f'{100 * max(waits):.0f} %',
            ]
        )
    report(
        f'Processes of one thread, {args.config.stem}',
        [
            'processes',
            'samples a second in training',
            f'times {first}',
            'frames to test of each',
            'test',
            'longest wait',
        ],
        rows,
        dict(samples_a_second=rates, clocks=clocks),
        args.out / 'processes.json',
    )


if __name__ == '__main__':
    sys.exit(run_tool(main))
