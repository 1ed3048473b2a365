"""Throw bad input and bad luck at mmvist and count what comes of it.

``annotations`` spoils json, txt and png files at random: each has to load or to be
refused in one line, within ten seconds and two gigabytes, and without a look beside
the data folder. ``kills`` trains a small model, kills it with -9 at random moments and
while it writes a checkpoint, and resumes it: it has to end in the weights of a training
that nobody killed. ``disk`` writes results where there is no room for them, over those
of before: all are written, or none and a line names the file.

Example:
    python tools/stress.py annotations --count 1000
    python tools/stress.py kills --count 20
    python tools/stress.py disk --count 200
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.stress.annotations import tally, try_annotations, try_escapes
from mmvist.stress.full_disk import try_full_disk
from mmvist.stress.kills import kill_and_resume, train_command
from mmvist.testing import write_toy_mots

TOOLS = Path(__file__).resolve().parent
DEMO = 'configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
ITERATIONS = 60
"""Of the training that is killed."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', choices=[*WORK])
    parser.add_argument(
        '--count',
        type=int,
        help='files (default: 1000), kills (20) or writes (200)',
    )
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args(argv)
    if args.count is None:
        args.count = dict(annotations=1000, kills=20, disk=200)[args.what]
    if args.count < 1:
        parser.error('--count has to be at least 1')
    return args


def annotations(count: int, seed: int, console: Console) -> None:
    """Spoil files.

    Raises:
        UserError: One was not refused as it has to be.
    """
    torch.set_num_threads(1)  # its threads do not outlive a fork
    trials = list(
        track(
            try_annotations(count, seed),
            total=count,
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
    )
    escapes = list(try_escapes())
    trials += escapes
    show(
        f'{count} spoilt files, {len(escapes)} names that lead out of the data folder',
        tally(trials),
        console,
    )
    bad = [trial for trial in trials if not trial.good]
    for trial in bad[:20]:
        console.print(
            f'{trial.number}, {trial.reader}: {trial.outcome.kind}: '
            f'{trial.outcome.text[:300]}',
            markup=False,
        )
    if bad:
        raise UserError(f'{len(bad)} of {len(trials)} spoilt files were not refused')


def disk(count: int, seed: int, console: Console) -> None:
    """Write results without room.

    Raises:
        UserError: Results were lost, or are half written.
    """
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel('WARNING')
    found: dict[str, Counter] = {}
    bad = []
    for trial in try_full_disk(count, seed):
        kind = f'{trial.outcome.kind}, {trial.left} results'
        found.setdefault(trial.writer, Counter())[kind] += 1
        if not trial.good:
            bad.append(trial)
    show(f'results written {count} times, with little room', found, console)
    for trial in bad[:20]:
        console.print(f'{trial.writer}: {trial.outcome.text[:300]}', markup=False)
    if bad:
        raise UserError(f'{len(bad)} of {count} writes left what must not be')


def show(title: str, found: Mapping[str, Counter], console: Console) -> None:
    """Counts as a table."""
    kinds = sorted({kind for counts in found.values() for kind in counts})
    table = Table(title=title)
    table.add_column('')
    for kind in kinds:
        table.add_column(kind, justify='right')
    for name, counts in found.items():
        table.add_row(name, *(str(counts[kind]) for kind in kinds))
    console.print(table)


def kills(count: int, seed: int, console: Console) -> None:
    """Kill a training.

    Raises:
        UserError: It did not end in the weights of an unbroken one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_toy_mots(folder / 'data')
        command = train_command(
            TOOLS / 'train.py', TOOLS.parent / DEMO, folder / 'data', ITERATIONS
        )
        console.print(f'one training of {ITERATIONS} iterations that nobody kills')
        for done in kill_and_resume(command, folder, ITERATIONS, count, seed):
            if not done.equal and len(done.kills) <= count:
                seconds, writing = done.kills[-1]
                console.print(
                    f'kill {len(done.kills)} after {seconds:.1f} s'
                    + (', in the write of a checkpoint' if writing else '')
                    + f'; whole until iteration {done.iterations[-1]}'
                )
    writes = sum(writing for _, writing in done.kills)
    if not done.resumed:
        raise UserError(
            'not behind the last checkpoint began, with (checkpoint, iteration): '
            f'{[one for one in done.starts if one[1] != one[0] + 1]}'
        )
    if not done.equal:
        raise UserError(f'after {count} kills the weights are other ones')
    console.print(
        f'{count} kills, {writes} of them in the write of a checkpoint: each time it '
        'went on behind the last checkpoint, to the same weights and optimizer as '
        'without, bit for bit'
    )


WORK = dict(annotations=annotations, kills=kills, disk=disk)


def main(argv: Sequence[str] | None = None) -> None:
    """Stress as the command line says."""
    args = parse_args(argv)
    WORK[args.what](args.count, args.seed, Console(width=110, highlight=False))


if __name__ == '__main__':
    sys.exit(run_tool(main))
