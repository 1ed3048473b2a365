"""Things that do the same, timed in turn, so that what else a machine does hits all.

Times of a shared machine say little, ratios of a round say more: in each round all
cases have their turn, and a ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import ctypes
import gc
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from mmvist.engine.errors import UserError
from mmvist.files import whole_file

from .own_process import Send, sent_by
from .report import table

Run = Callable[[], Any]


class DisagreementError(UserError):
    """What is compared does not do the same: a ratio would mean nothing."""


def check_agreement(what: str, agree: bool) -> None:
    """No number without it.

    Raises:
        DisagreementError: ``agree`` is false.
    """
    if not agree:
        raise DisagreementError(f'{what} differ: nothing to compare, no number')


@dataclass(frozen=True)
class Race:
    """Seconds of each case in each round.

    Attributes:
        seconds: By name.
    """

    seconds: Mapping[str, Sequence[float]]

    def time(self, name: str) -> float:
        """Median over the rounds, in seconds."""
        return median(self.seconds[name])

    def ratio(self, name: str, over: str) -> tuple[float, float, float]:
        """How many times ``over`` is ``name``: median, smallest, largest of a round."""
        ratios = [
            one / other
            for one, other in zip(self.seconds[name], self.seconds[over], strict=True)
        ]
        return median(ratios), min(ratios), max(ratios)


def race(
    cases: Mapping[str, Run],
    rounds: int = 10,
    warmup: int = 2,
    device: str = 'cpu',
    turn: float = 0.0,
) -> Race:
    """Run all cases in turn, each round beginning with the next one.

    Args:
        cases: What to run, by name.
        rounds: That count.
        warmup: Before them.
        device: Where they run; of a GPU its own clock is asked.
        turn: Seconds in which a short case is run again and again, and the median
            counts: what the case before it left in the caches, or took out of them, is
            not its own. 0: each runs once, as one has to that counts its runs.
    """
    names = list(cases)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warmup, rounds):
        # no case always comes behind the same other one
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = _turn(cases[name], device, turn)
            if number >= 0:
                seconds[name].append(taken)
    return Race(seconds)


def _turn(run: Run, device: str, turn: float) -> float:
    taken = [_timed(run, device)]
    while sum(taken) < turn:
        taken.append(_timed(run, device))
    return median(taken)


def _timed(run: Run, device: str) -> float:
    if torch.device(device).type != 'cuda':
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
    with torch.cuda.device(device):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / 1000


def peak_memory(make: Callable[[], Run], device: str = 'cpu') -> float | None:
    """Most memory that a run has at a time beyond what was there, in MB.

    The second run counts, when all that is made once is there. On a CPU it is one of a
    fresh process.

    Args:
        make: Gives what is run; on a CPU it has to be picklable.
        device: Where it runs.

    Returns:
        None where the system does not tell.

    Raises:
        UserError: The process ended without a number.
    """
    if torch.device(device).type == 'cuda':
        with torch.cuda.device(device):
            run = make()
            run()
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            run()
            return (torch.cuda.max_memory_allocated() - before) / 2**20
    if not Path('/proc/self/clear_refs').exists():
        return None
    [found] = sent_by(_send_peak, make, torch.get_num_threads())
    return found


def _send_peak(make: Callable[[], Run], threads: int, send: Send) -> None:
    torch.set_num_threads(threads)
    run = make()
    run()
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    forget_peak()
    before = resident()
    run()
    send(peak_resident() - before)


def resident() -> float:
    """Memory of this process, in MB."""
    return _status('VmRSS') / 1024


def forget_peak() -> None:
    """:func:`peak_resident` counts from here on; on Linux."""
    Path('/proc/self/clear_refs').write_text('5')


def peak_resident() -> float:
    """Most memory of this process at a time, in MB."""
    return _status('VmHWM') / 1024


def _status(field: str) -> int:
    """Of this process, in KiB."""
    for line in Path('/proc/self/status').read_text().splitlines():
        name, _, value = line.partition(':')
        if name == field:
            return int(value.split()[0])
    raise UserError(f'/proc/self/status does not tell {field}')


@dataclass(frozen=True)
class Machine:
    """What the numbers were measured on."""

    processor: str
    threads: int
    device: str
    torch: str

    @classmethod
    def here(cls, device: str = 'cpu') -> Machine:
        """This one."""
        name = platform.processor() or platform.machine()
        with suppress(OSError):
            for line in Path('/proc/cpuinfo').read_text().splitlines():
                if line.startswith('model name'):
                    name = line.partition(':')[2].strip()
                    break
        on = torch.device(device)
        gpu = torch.cuda.get_device_name(on) if on.type == 'cuda' else 'cpu'
        return cls(name, torch.get_num_threads(), gpu, torch.__version__)

    def __str__(self) -> str:
        where = '' if self.device == 'cpu' else f'{self.device}, '
        threads = 'thread' if self.threads == 1 else 'threads'
        return f'{where}{self.processor}, {self.threads} {threads}, torch {self.torch}'


def report(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Any,
    path: Path,
    device: str = 'cpu',
) -> None:
    """Print a table as markdown and write the numbers as json.

    Args:
        title: Above the table.
        header: Of the columns.
        rows: Of the table.
        numbers: What json holds, every digit.
        path: The json.
        device: Where it was measured.
    """
    machine = Machine.here(device)
    console = Console(highlight=False, soft_wrap=True)
    parts = f'## {title}', str(machine), table(header, rows)
    console.print('\n\n'.join(parts), markup=False)
    content = dict(title=title, machine=asdict(machine), numbers=numbers)
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=1))
    console.print(f'\nwritten: {path}', markup=False)


def times(ratio: tuple[float, float, float]) -> str:
    """A ratio with its range over the rounds, as text."""
    middle, low, high = ratio
    return f'{middle:.3g} ({low:.3g} to {high:.3g})'
