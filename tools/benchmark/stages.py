"""What a frame of VAE-VIST costs, by stage, size of the picture and number of objects.

Times are medians over frames of one process, and memory is what a stage asks for beyond
what is held when it begins, in another process. Boxes are given, weights are random.

Example:
    python tools/benchmark/stages.py --config fast --objects 1 10 50 200
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from mmvist.benchmark.frames import Objects, Player, padded, paper_cases
from mmvist.benchmark.own_process import Send, sent_by
from mmvist.benchmark.side_by_side import (
    forget_peak,
    peak_resident,
    report,
    resident,
)
from mmvist.benchmark.stages import GIVE_BACK, MemoryProfile, Profile
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool

SIZES = ('228x128', '640x360', '1280x720', '1920x1080')
CONFIGS = {'vae-vist': 'VAE-VIST', 'fast': 'fast'}
GROUPS = {
    'backbone, FPN': ('backbone', 'FPN'),
    'RPN, box head': ('RPN', 'box RoIAlign', 'box head'),
    'E_phi': ('E_phi',),
    'D_pro': ('D_pro maps', 'D_pro RoIAlign', 'D_pro layers'),
    'D_aug maps': ('D_aug maps',),
    'D_aug box head': ('D_aug box RoIAlign', 'D_aug box head'),
    'mask head': ('mask RoIAlign', 'mask head'),
}
"""Columns, each of some stages."""
REST = 'rest'
"""NMS and matching; pasting, disjoint masks, run-length codes and the next Lambda."""
MASKS = 'masks'
"""Fewer than objects where a crowd hides some of them."""
FRAMES = 5


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--sizes', nargs='+', default=SIZES, help='WIDTHxHEIGHT of the pictures'
    )
    parser.add_argument('--objects', type=int, nargs='+', default=[1, 10, 50, 200])
    parser.add_argument('--config', choices=CONFIGS, default='vae-vist')
    parser.add_argument('--depth', type=int, default=50, choices=[50, 101])
    parser.add_argument('--threads', type=int, help="default: PyTorch's own")
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


def size_of(text: str) -> tuple[int, int]:
    """(height, width) of WIDTHxHEIGHT.

    Raises:
        UserError: The text is something else.
    """
    parts = text.split('x')
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise UserError(f'--sizes: {text!r} is not WIDTHxHEIGHT')
    return int(parts[1]), int(parts[0])


def measure(
    megabytes: bool,
    args: argparse.Namespace,
    size: tuple[int, int],
    count: int,
    send: Send,
) -> None:
    """Send megabytes or seconds of the stages and of the whole frame."""
    torch.set_num_threads(args.threads or torch.get_num_threads())
    cfg = paper_cases(args.depth)[CONFIGS[args.config]]
    player = Player(cfg.model, Objects(count, size))
    image = torch.zeros(1, 3, *padded(size)).uniform_(-1, 1)
    for _ in range(2):
        player.see(image)
    found = (_megabytes if megabytes else _seconds)(player, image)
    send(found | {MASKS: min(player.masks)})


def _seconds(player: Player, image: torch.Tensor) -> dict[str, float]:
    watch = Profile(player.model, time.perf_counter)
    rounds = []
    for _ in range(FRAMES):
        before, start = dict(watch.seconds), time.perf_counter()
        player.see(image)
        whole = time.perf_counter() - start
        parts = {name: watch.seconds[name] - before[name] for name in before}
        rounds.append(_grouped(parts, sum) | dict(frame=whole))
        rounds[-1][REST] = whole - sum(parts.values())
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


def _megabytes(player: Player, image: torch.Tensor) -> dict[str, float]:
    forget_peak()
    before = resident()
    player.see(image)
    whole = peak_resident() - before
    watch = MemoryProfile(player.model)
    player.see(image)
    return _grouped(watch.megabytes, max) | dict(frame=whole)


def _grouped(parts: dict[str, float], join: Any) -> dict[str, float]:
    return {
        group: join(parts[name] for name in names if name in parts)
        for group, names in GROUPS.items()
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    numbers = []
    rows: dict[str, list[list[str]]] = dict(seconds=[], megabytes=[])
    for text in args.sizes:
        for count in args.objects:
            one = dict(size=text, objects=count)
            for what, lines in rows.items():
                [found] = sent_by(
                    measure,
                    what == 'megabytes',
                    args,
                    size_of(text),
                    count,
                    environment=GIVE_BACK if what == 'megabytes' else None,
                )
                one[what] = found
                factor = 1000 if what == 'seconds' else 1
                columns = ['frame', *GROUPS] + [REST] * (REST in found)
                values = [f'{factor * found[name]:.0f}' for name in columns]
                lines.append([text, str(count), str(found[MASKS]), *values])
            numbers.append(one)
    header = ['picture', 'objects', MASKS, 'a frame', *GROUPS]
    title = f'{CONFIGS[args.config]}, ResNet-{args.depth} FPN'
    for what, unit, more in (('seconds', 'ms', [REST]), ('megabytes', 'MB', [])):
        report(
            f'{title}: {unit} of each stage',
            header + more,
            rows[what],
            numbers,
            args.out / f'stages_{args.config}_{what}.json',
        )


if __name__ == '__main__':
    sys.exit(run_tool(main))
