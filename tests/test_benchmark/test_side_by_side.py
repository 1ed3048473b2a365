"""Ratios that are told only of things that agree."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmvist.benchmark import side_by_side
from mmvist.benchmark.side_by_side import (
    DisagreementError,
    Race,
    check_agreement,
    peak_memory,
    race,
    report,
    times,
)
from mmvist.engine.errors import UserError

LINUX = Path('/proc/self/clear_refs').exists()


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    found = Race(dict(a=[1.0, 20.0, 3.0], b=[2.0, 2.0, 1.0]))
    # the ratio of the medians would be 1.5
    assert found.ratio('a', 'b') == (3.0, 0.5, 10.0)
    assert found.time('a') == 3.0
    assert times(found.ratio('a', 'b')) == '3 (0.5 to 10)'


def test_cases_take_turns_and_warm_up_does_not_count() -> None:
    said: list[str] = []
    runs = {name: partial(said.append, name) for name in 'ab'}
    found = race(runs, rounds=3, warmup=2)
    assert said == list('abbaabbaab')
    assert {len(seconds) for seconds in found.seconds.values()} == {3}


def test_a_case_has_the_seconds_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(
        side_by_side, 'time', SimpleNamespace(perf_counter=lambda: clock[0])
    )

    def take(seconds: float) -> None:
        clock[0] += seconds

    found = race(dict(slow=partial(take, 6.0), fast=partial(take, 2.0)), rounds=2)
    assert found.seconds == dict(slow=[6.0, 6.0], fast=[2.0, 2.0])

    # cold first, then warm: two runs fill the turn, three where it is longer
    taken = iter([4.0, 1.0, 1.0] * 2)
    found = race(dict(short=lambda: take(next(taken))), 1, warmup=1, turn=5.5)
    assert found.seconds == dict(short=[1.0])


def test_no_number_of_what_differs() -> None:
    check_agreement('masks', True)
    with pytest.raises(DisagreementError, match=r'^masks differ: .*no number$'):
        check_agreement('masks', False)


def _allocate(megabytes: int) -> partial:
    return partial(torch.ones, megabytes * 2**18)


def _give_up() -> None:
    raise SystemExit(3)


@pytest.mark.skipif(not LINUX, reason='the system does not tell memory')
def test_peak_memory_is_what_a_run_asks_for() -> None:
    small, large = (peak_memory(partial(_allocate, size)) for size in (40, 120))
    assert 30 < small < 60 and 105 < large < 145


@pytest.mark.skipif(not LINUX, reason='the system does not tell memory')
def test_a_process_without_a_number_is_told() -> None:
    with pytest.raises(UserError, match='ended with exit code 3: no number'):
        peak_memory(_give_up)


def test_a_report_names_the_machine_and_keeps_every_digit(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / 'new/numbers.json'
    report('Title', ['a', 'b'], [['1', '2']], dict(x=1 / 3), path)
    printed = capsys.readouterr().out
    assert '## Title' in printed and '| 1 | 2 |' in printed and 'torch 2' in printed
    kept = json.loads(path.read_text())
    assert kept['numbers'] == dict(x=1 / 3)
    assert kept['machine']['torch'] == torch.__version__
