"""Progress of training for people: a bar on a terminal, else plain lines."""

import atexit
import math
import sys
import time
from collections import deque
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmvist.engine.steps import duration
from mmvist.registry import HOOKS


@HOOKS.register_module()
class ProgressBarHook(Hook):
    """Show iteration, loss and time left while a model trains.

    Meant together with ``console_log_level = 'WARNING'``, which
    :class:`mmvist.engine.VISTRunner` reads, so that log lines do not break the
    bar. Only the main process shows anything.

    Args:
        interval: Iterations between two lines where the output is no terminal.
        window: Iterations over which the loss shown is averaged.
        metrics: Names of validation metrics to print after each validation;
            those that a validation does not give are left out.
        title: The word in front of the bar.
        console: Where to write. Standard output by default; for tests.
    """

    priority = 'LOW'

    def __init__(
        self,
        interval: int = 50,
        window: int = 20,
        metrics: tuple[str, ...] = (),
        title: str = 'training',
        console: Console | None = None,
    ) -> None:
        if interval < 1:
            raise ValueError(f'interval has to be at least 1, not {interval}')
        self.interval = interval
        self.metrics = tuple(metrics)
        self.title = title
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._losses: deque[float] = deque(maxlen=window)
        self._bar: Progress | None = None
        self._task: Any = None
        self._start = (0.0, 0)

    def before_train(self, runner: Runner) -> None:
        """Start the clock, and the bar on a terminal."""
        self._losses.clear()
        self._start = (time.monotonic(), runner.iter)
        if not is_main_process() or not self._on_terminal():
            return
        self._bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn('loss {task.fields[loss]}'),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._task = self._bar.add_task(
            self.title, total=runner.max_iters, completed=runner.iter, loss='-'
        )
        self._bar.start()
        # an error in training calls no hook, and would leave the cursor hidden
        atexit.register(self._stop)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Take the loss in and show where training is."""
        if not is_main_process():
            return
        loss = (outputs or {}).get('loss')
        if loss is not None:
            self._losses.append(float(loss.detach()))
        done, total = runner.iter + 1, runner.max_iters
        if self._bar is not None:
            self._bar.update(self._task, completed=done, loss=self._loss())
        elif done % self.interval == 0 or done == total:
            self._print(self._line(done, total))

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Print the metrics that were asked for."""
        found = {k: (metrics or {})[k] for k in self.metrics if k in (metrics or {})}
        if found and is_main_process():
            values = ', '.join(f'{name} {value:.4g}' for name, value in found.items())
            self._print(f'validation at {runner.iter}: {values}')

    def after_train(self, runner: Runner) -> None:
        """Leave the finished bar on the screen."""
        self._stop()

    def _on_terminal(self) -> bool:
        """Not rich's guess, which an environment variable can turn round."""
        return getattr(self.console.file, 'isatty', lambda: False)()

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False)
        if self.console.file is sys.stdout:
            sys.stdout.flush()  # a pipe would hold the lines back

    def _loss(self) -> str:
        if not self._losses:
            return '-'
        mean = math.fsum(self._losses) / len(self._losses)
        return f'{mean:.3f}'

    def _line(self, done: int, total: int) -> str:
        began, first = self._start
        each = (time.monotonic() - began) / max(done - first, 1)
        return (
            f'{self.title} {done:>{len(str(total))}}/{total}  loss {self._loss()}  '
            f'{each:.2f} s each  left {duration(each * (total - done))}'
        )

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            atexit.unregister(self._stop)
