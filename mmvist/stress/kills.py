"""Training that is killed again and again ends in the weights of one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch

from mmvist.engine.checkpoint import latest_checkpoint, load_checkpoint
from mmvist.engine.errors import UserError

INTERVAL = 3
"""Iterations between two checkpoints."""
PATIENCE = 20
"""Trainings in a row that may end before they are killed."""


@dataclass
class Killed:
    """How it went.

    Attributes:
        kills: Seconds after the start of a process at which it was killed, and
            whether it was writing a checkpoint then.
        iterations: The last checkpoint after each kill.
        starts: Of each process that came to train: the last checkpoint before it, and
            the first iteration that it did.
        equal: Whether the weights at the end are those of the unbroken training.
    """

    kills: list[tuple[float, bool]] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    equal: bool = False

    @property
    def resumed(self) -> bool:
        """Whether each process went on behind the last checkpoint.

        One that began anew would come to the same weights.
        """
        return all(first == latest + 1 for latest, first in self.starts)


@dataclass
class Training:
    """A training by ``tools/train.py``, in a process of its own.

    Attributes:
        command: What starts it, without ``--work-dir`` and ``--resume``.
        folder: The work dir.
        iterations: Its length; a checkpoint every :data:`INTERVAL`.
        begun_at: The last checkpoint when it began.
    """

    command: Sequence[str]
    folder: Path
    iterations: int
    begun_at: int = 0

    @property
    def final(self) -> Path:
        """The weights at its end."""
        return self.folder / f'iter_{self.iterations}.pth'

    def start(self) -> subprocess.Popen:
        """Begin, or go on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.begun_at, self._logs = self.iteration(), set(self._all_logs())
        self._errors = tempfile.TemporaryFile()
        return subprocess.Popen(
            [*self.command, '--work-dir', str(self.folder), '--resume'],
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
        )

    def finish(self) -> float:
        """Run to the end; the seconds of its iterations.

        Raises:
            UserError: It ended with an error.
        """
        process = self.start()
        try:
            process.wait()
        finally:
            stop(process)
        self.check(process)
        if not self.final.exists():
            raise UserError(f'{self.final} was not written')
        return sum(line['time'] for line in self.log())

    def check(self, process: subprocess.Popen) -> None:
        """See how a process that has ended by itself has ended.

        Raises:
            UserError: With an error.
        """
        if process.returncode:
            self._errors.seek(0)
            raise UserError(
                f'training ended with {self._errors.read().decode()[-500:]}'
            )

    def log(self) -> list[dict]:
        """Of each iteration since :meth:`start`, as far as it is written."""
        lines: list[dict] = []
        for path in set(self._all_logs()) - self._logs:
            for line in path.read_text().splitlines():
                with suppress(json.JSONDecodeError):  # the last one, half written
                    lines.append(json.loads(line))
        return lines

    def _all_logs(self) -> Iterator[Path]:
        return self.folder.glob('*/vis_data/scalars.json')

    def iteration(self) -> int:
        """Of the latest checkpoint, 0 without one."""
        latest = latest_checkpoint(self.folder)
        return int(Path(latest).stem.rpartition('_')[2]) if latest else 0


def train_command(tool: Path, config: Path, data: Path, iterations: int) -> list[str]:
    """The demo's training on the toy video, shortened.

    Args:
        tool: ``tools/train.py``.
        config: The demo's.
        data: Of :func:`mmvist.testing.write_toy_mots`.
        iterations: Length.
    """
    options = {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': 10**6,
        'param_scheduler.1.T_max': iterations,
        'default_hooks.checkpoint.interval': INTERVAL,
        'default_hooks.checkpoint.save_best': 'None',
        'default_hooks.logger.interval': 1,
        'log_processor.window_size': 1,
        'train_dataloader.dataset.data_root': f'{data}/',
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': 'False',
        'val_dataloader.dataset.data_root': f'{data}/',
        'val_evaluator.0.ann_file': f'{data}/annotations/val.json',
        'val_evaluator.1.ann_file': f'{data}/annotations/val.json',
    }
    pairs = [f'{key}={value}' for key, value in options.items()]
    return [sys.executable, str(tool), str(config), '--cfg-options', *pairs]


def kill_and_resume(
    command: Sequence[str], folder: Path, iterations: int, count: int, seed: int = 0
) -> Iterator[Killed]:
    """Train once unbroken, and once killed ``count`` times.

    Every second kill waits for a checkpoint that is being written, the others come at
    a random moment after the first iteration.

    Yields:
        After each kill, and at the end, what has happened so far.

    Raises:
        UserError: A training ended with an error of its own, or again and again before
            it could be killed.
    """
    whole = Training(command, folder / 'whole', iterations)
    seconds = whole.finish()
    broken = Training(command, folder / 'broken', iterations)
    rng, result, patience = random.Random(seed), Killed(), PATIENCE
    while len(result.kills) < count:
        in_a_write = len(result.kills) % 2 == 1
        begun, process = time.monotonic(), broken.start()
        try:
            if in_a_write:
                killed = _wait_for_a_write(process, broken.folder)
            else:
                killed = _wait_in_training(process, broken, rng.uniform(0, seconds))
        finally:
            stop(process)
        if lines := broken.log():
            result.starts.append((broken.begun_at, lines[0]['step']))
        if not killed:
            broken.check(process)
            patience -= 1
            if not patience:
                raise UserError(f'{PATIENCE} trainings ended before they were killed')
            # it was faster: take its last third away, and kill that
            _take_back(broken, 2 * iterations // 3)
            continue
        patience = PATIENCE
        result.kills.append((time.monotonic() - begun, in_a_write))
        result.iterations.append(broken.iteration())
        yield result
    broken.finish()
    result.starts.append((broken.begun_at, broken.log()[0]['step']))
    result.equal = same_weights(whole.final, broken.final)
    yield result


def stop(process: subprocess.Popen) -> None:
    """Kill it and what it has started, unless it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_a_write(process: subprocess.Popen, folder: Path) -> bool:
    """Until it writes a checkpoint; whether it still runs then."""
    while process.poll() is None:
        if any(folder.glob(f'.iter_*-{process.pid}.part.pth')):
            return True
        time.sleep(0.002)
    return False


def _wait_in_training(
    process: subprocess.Popen, training: Training, seconds: float
) -> bool:
    """Until so long after its first iteration; whether it still runs then."""
    end = None
    while process.poll() is None:
        if end is None and training.log():
            end = time.monotonic() + seconds
        if end is not None and time.monotonic() >= end:
            return True
        time.sleep(0.01)
    return False


def _take_back(training: Training, iteration: int) -> None:
    """As if training had never been farther."""
    kept = {}
    for path in training.folder.glob('iter_*.pth'):
        number = int(path.stem.rpartition('_')[2])
        if number > iteration:
            path.unlink()
        else:
            kept[number] = path
    last = training.folder / 'last_checkpoint'
    last.unlink(missing_ok=True)
    if kept:
        last.write_text(str(kept[max(kept)]))


def same_weights(first: Path, second: Path) -> bool:
    """Whether two checkpoints hold the same model and optimiser, bit for bit."""
    one, other = load_checkpoint(first), load_checkpoint(second)
    pairs = [(one['state_dict'], other['state_dict'])]
    for a, b in zip(
        one['optimizer']['state'].values(),
        other['optimizer']['state'].values(),
        strict=True,
    ):
        pairs.append((a, b))
    return all(
        set(a) == set(b)
        and all(
            torch.equal(a[key], b[key])
            if isinstance(a[key], torch.Tensor)
            else a[key] == b[key]
            for key in a
        )
        for a, b in pairs
    )
