"""Training that is killed again and again ends in the weights of one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from mmvist.engine.checkpoint import latest_checkpoint, load_checkpoint
from mmvist.engine.errors import UserError

INTERVAL = 3
"""Iterations between two checkpoints."""


@dataclass
class Killed:
    """How it went.

    Attributes:
        kills: Seconds after the start of a process at which it was killed, and
            whether it was writing a checkpoint then.
        iterations: The last checkpoint after each kill.
        equal: Whether the weights at the end are those of the unbroken training.
    """

    kills: list[tuple[float, bool]] = field(default_factory=list)
    iterations: list[int] = field(default_factory=list)
    equal: bool = False


@dataclass
class Training:
    """A training by ``tools/train.py``, in a process of its own.

    Attributes:
        command: What starts it, without ``--work-dir`` and ``--resume``.
        folder: The work dir.
        iterations: Its length; a checkpoint every :data:`INTERVAL`.
    """

    command: Sequence[str]
    folder: Path
    iterations: int

    @property
    def final(self) -> Path:
        """The weights at its end."""
        return self.folder / f'iter_{self.iterations}.pth'

    def start(self) -> subprocess.Popen:
        """Begin, or go on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [*self.command, '--work-dir', str(self.folder), '--resume'],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
        )

    def finish(self) -> float:
        """Run to the end; the seconds that it took.

        Raises:
            UserError: It ended with an error.
        """
        begun = time.monotonic()
        process = self.start()
        _, error = process.communicate()
        if process.returncode or not self.final.exists():
            raise UserError(f'training ended with {error.decode()[-500:]}')
        return time.monotonic() - begun

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
    a random moment of the training that is left.

    Yields:
        After each kill, and at the end, what has happened so far.

    Raises:
        UserError: A training ended with an error of its own.
    """
    whole = Training(command, folder / 'whole', iterations)
    seconds = whole.finish()
    broken = Training(command, folder / 'broken', iterations)
    rng, result = random.Random(seed), Killed()
    while len(result.kills) < count:
        begun, process = time.monotonic(), broken.start()
        in_a_write = len(result.kills) % 2 == 1
        end = begun + (600 if in_a_write else rng.uniform(0, seconds))
        writing = False
        while process.poll() is None and time.monotonic() < end and not writing:
            own = f'.iter_*-{process.pid}.part.pth'
            writing = in_a_write and any(broken.folder.glob(own))
            time.sleep(0.002)
        if process.poll() is not None:
            if process.returncode:
                error = process.communicate()[1].decode()
                raise UserError(f'a resumed training ended with {error[-500:]}')
            # it was faster: take its last third away, and kill that
            _take_back(broken, 2 * iterations // 3)
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        result.kills.append((time.monotonic() - begun, writing))
        result.iterations.append(broken.iteration())
        yield result
    broken.finish()
    result.equal = same_weights(whole.final, broken.final)
    yield result


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
