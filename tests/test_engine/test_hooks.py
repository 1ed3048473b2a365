"""Seeds by step, and the two faces of the progress bar."""

import io
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from mmvist.engine import ProgressBarHook, StepSeedHook, seed_all


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def runner(iteration: int, seed: int = 3, total: int = 10) -> SimpleNamespace:
    loader = SimpleNamespace(generator=None)
    return SimpleNamespace(
        seed=seed, iter=iteration, max_iters=total, train_dataloader=loader
    )


def test_seeds_of_different_numbers_differ_everywhere() -> None:
    seen = []
    for numbers in [(3, 1), (1, 3), (4, 0), (3, 0), (3, 1, 0), (2**31, 7)]:
        seed_all(*numbers)
        seen.extend(draws())
    assert len(set(seen)) == len(seen)


def test_a_step_draws_the_same_whatever_came_before() -> None:
    hook, seen = StepSeedHook(), {}
    for iteration in (5, 6, 5):
        hook.before_train_iter(runner(iteration), 0)
        assert seen.setdefault(iteration, step := draws()) == step
    hook.before_train_iter(runner(5, seed=4), 0)
    assert len({seen[5], seen[6], draws()}) == 3


def test_ranks_draw_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    hook, seen = StepSeedHook(), set()
    for rank in (0, 1):
        monkeypatch.setattr('mmvist.engine.hooks.step_seed.get_rank', lambda r=rank: r)
        hook.before_train_iter(runner(5), 0)
        seen.add(draws())
    assert len(seen) == 2


def test_loading_draws_the_same_after_a_step_a_validation_and_a_resume() -> None:
    hook, seen = StepSeedHook(), set()
    hook.after_train_iter(runner(4), 4)
    seen.add(draws())
    hook.before_val_epoch(runner(5))
    draws()
    hook.after_val(runner(5))
    seen.add(draws())
    hook.before_train(runner(5))
    seen.add(draws())
    assert len(seen) == 1


def test_validations_at_different_times_draw_the_same() -> None:
    hook, seen = StepSeedHook(), set()
    for iteration in (5, 9):
        hook.before_val_epoch(runner(iteration))
        seen.add(draws())
    hook.before_test_epoch(runner(0))
    assert seen == {draws()}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def train(hook: ProgressBarHook, first: int = 0) -> str:
    """Ten steps with the hook alone; what it wrote."""
    hook.before_train(runner(first))
    for iteration in range(first, 10):
        outputs = dict(loss=torch.tensor(float(iteration)))
        hook.after_train_iter(runner(iteration), iteration, outputs=outputs)
    hook.after_val_epoch(runner(10), {'mots/sMOTSA': 0.6125, 'other': 1.0})
    hook.after_train(runner(10))
    return hook.console.file.getvalue()


def test_plain_lines_without_a_terminal() -> None:
    console = Console(file=io.StringIO(), soft_wrap=True)
    hook = ProgressBarHook(
        interval=4, window=2, metrics=('mots/sMOTSA', 'absent'), console=console
    )
    lines = train(hook).splitlines()
    assert [line.split('  loss')[0] for line in lines] == [
        'training  4/10',
        'training  8/10',
        'training 10/10',
        'validation at 10: mots/sMOTSA 0.6125',
    ]
    assert 'loss 2.500' in lines[0] and 'left 0:00' in lines[2]


def test_a_bar_on_a_terminal() -> None:
    console = Console(file=Terminal(), force_terminal=True, width=100)
    written = train(ProgressBarHook(console=console))
    assert '10/10' in written and 'loss 4.500' in written
    assert 'validation' not in written
    assert written.rstrip().endswith('\x1b[?25h')  # the cursor is back


def test_other_processes_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        'mmvist.engine.hooks.progress_bar.is_main_process', lambda: False
    )
    console = Console(file=io.StringIO())
    assert train(ProgressBarHook(interval=1, console=console)) == ''


def test_time_left_counts_only_the_steps_of_this_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([100.0, 104.0, 105.0])
    monkeypatch.setattr(
        'mmvist.engine.hooks.progress_bar.time',
        SimpleNamespace(monotonic=lambda: next(now)),
    )
    hook = ProgressBarHook(interval=1, console=Console(file=io.StringIO()))
    hook.before_train(runner(6, total=1806))
    hook.after_train_iter(
        runner(6, total=1806), 6, outputs=dict(loss=torch.tensor(1.0))
    )
    assert '4.00 s each  left 1:59:56' in hook.console.file.getvalue()
