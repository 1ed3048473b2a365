"""Where the time of ``tools/test.py`` goes: loading, model, results, evaluation.

The same runner as that tool's, with the config's test data and evaluator; give it long
clips, such as those of ``make_synthetic.py --frames 300``.

Example:
    python tools/benchmark/pipeline.py CONFIG CHECKPOINT
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvist.benchmark.side_by_side import report
from mmvist.datasets import DataError
from mmvist.engine.launch import (
    add_common_arguments,
    build_runner,
    check_data,
    load_config,
    run_tool,
)

PARTS = 'start', 'waiting for frames', 'normalising', 'model', 'results', 'metrics'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--threads', type=int, help="default: PyTorch's own")
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    add_common_arguments(parser)
    return parser.parse_args(argv)


class Watch(Hook):
    """Seconds of each part of a test; ``watch`` tells it what to time.

    Attributes:
        seconds: By part.
        frames: That were tested.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.frames = 0
        self._since = 0.0

    def watch(self, runner: Runner) -> None:
        """Time a runner that is about to test."""
        evaluator = runner.test_loop.evaluator
        model = runner.model
        preprocessor = model.data_preprocessor
        model.test_step = self._timed('model', model.test_step)
        preprocessor.forward = self._timed('normalising', preprocessor.forward)
        evaluator.process = self._timed('results', evaluator.process)
        evaluator.evaluate = self._timed('metrics', evaluator.evaluate)
        runner.register_hook(self, priority='LOWEST')

    def share(self, part: str) -> float:
        """Of all seconds, but for those before the first frame was asked for."""
        running = sum(self.seconds.values()) - self.seconds['start']
        return self.seconds[part] / running

    def before_test_epoch(self, runner: Runner) -> None:
        """Frames are asked for."""
        self._since = time.perf_counter()

    def before_test_iter(self, *args: Any, **kwargs: Any) -> None:
        """A frame has come."""
        self.seconds['waiting for frames'] += time.perf_counter() - self._since
        self.frames += 1

    def after_test_iter(self, *args: Any, **kwargs: Any) -> None:
        """The next is asked for."""
        self._since = time.perf_counter()

    def _timed(self, part: str, run: Callable) -> Callable:
        @wraps(run)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before, start = sum(self.seconds.values()), time.perf_counter()
            result = run(*args, **kwargs)
            taken = time.perf_counter() - start
            # less what another part has spent in here
            self.seconds[part] += taken - (sum(self.seconds.values()) - before)
            return result

        return timed


def main(argv: Sequence[str] | None = None) -> None:
    """Test, measure and report."""
    start = time.perf_counter()
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    cfg = load_config(args)
    cfg.load_from, cfg.resume = args.checkpoint, False
    check_data(cfg, ['test_dataloader'])
    watch = Watch()
    runner = build_runner(cfg)
    watch.watch(runner)
    runner.load_or_resume()
    watch.seconds['start'] = time.perf_counter() - start
    begin = time.perf_counter()
    runner.test()
    whole = time.perf_counter() - begin
    watch.seconds['rest'] = whole + watch.seconds['start'] - sum(watch.seconds.values())
    rows = [
        [
            part,
            f'{watch.seconds[part]:.1f} s',
            '-' if part == 'start' else f'{100 * watch.share(part):.1f} %',
        ]
        for part in (*PARTS, 'rest')
    ]
    report(
        f'A test of {watch.frames} frames, {Path(args.config).stem}',
        ['', 'time', 'of the test'],
        rows,
        dict(frames=watch.frames, seconds=dict(watch.seconds)),
        args.out / 'pipeline.json',
    )


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
