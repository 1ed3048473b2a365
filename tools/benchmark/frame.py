"""One frame by VAE-VIST beside MMDetection's MaskTrack R-CNN.

The same detector with the same weights, which says the same boxes to all; frames are
tracked in turn. VAE-VIST detects, propagates and makes one mask for each object, and no
ratio is printed if the numbers of masks differ.

Example:
    python tools/benchmark/frame.py --size 360 640 --objects 10 30
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor
from torch.nn import functional as F

from mmvist.apis.complexity import frame_complexity
from mmvist.benchmark.frames import (
    HOST,
    INNERMOST,
    RPN_BOXES,
    Objects,
    Player,
    padded,
    paper_cases,
)
from mmvist.benchmark.side_by_side import (
    Race,
    check_agreement,
    peak_memory,
    race,
    report,
    times,
)
from mmvist.benchmark.stages import Profile
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=[360, 640],
        help='(height, width) of the frame and of the results (default: 360 640)',
    )
    parser.add_argument('--objects', type=int, nargs='+', default=[10, 30])
    parser.add_argument(
        '--depth', type=int, default=50, choices=[50, 101], help='of the ResNet'
    )
    parser.add_argument('--rounds', type=int, default=5, help='of two frames each')
    parser.add_argument('--threads', type=int, help="default: PyTorch's own")
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--amp', action='store_true', help='on a GPU: half precision')
    parser.add_argument('--profile', action='store_true', help='where the time goes')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


def cases_of(depth: int) -> dict[str, Config]:
    """The host twice, then VAE-VIST."""
    cases = paper_cases(depth)
    return {HOST: cases[HOST], INNERMOST: cases[HOST], **cases}


def players(
    cases: Mapping[str, Config], objects: Objects, device: str, amp: bool
) -> dict[str, Player]:
    """One of each case, all with the detector of the first."""
    made: dict[str, Player] = {}
    for case, cfg in cases.items():
        weights = made[HOST].model.detector.state_dict() if made else None
        made[case] = Player(
            cfg.model,
            objects,
            device=device,
            detector=weights,
            amp=amp,
            channels_last=case == INNERMOST,
        )
    return made


def picture(size: tuple[int, int], device: str) -> Tensor:
    """A frame, (1, 3, H, W) padded."""
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(1, 3, *size, generator=draw)
    height, width = padded(size)
    return F.pad(image, (0, width - size[1], 0, height - size[0])).to(device)


def two_frames(
    depth: int, case: str, objects: Objects, device: str, amp: bool
) -> Callable[[], None]:
    """A case alone, made anew."""
    cfg = cases_of(depth)[case]
    inside = case == INNERMOST
    player = Player(cfg.model, objects, device=device, amp=amp, channels_last=inside)
    return partial(see_twice, player, picture(objects.size, device))


def see_twice(player: Player, image: Tensor) -> None:
    """Two frames, so that every second frame is in each round."""
    for _ in range(2):
        player.see(image)


def compare(made: dict[str, Player], image: Tensor, rounds: int, device: str) -> Race:
    """All cases in turn, and whether each made the same masks in each frame."""
    cases = {case: partial(see_twice, one, image) for case, one in made.items()}
    found = race(cases, rounds, device=device)
    counts = {tuple(player.masks) for player in made.values()}
    said = sorted({count for one in counts for count in one})
    check_agreement(f'numbers of masks, {said},', len(counts) == 1)
    return found


def profile(made: dict[str, Player], image: Tensor, frames: int = 6) -> dict:
    """Seconds a frame by case and stage, and of all that is in no stage."""
    found = {}
    for case, player in made.items():
        watch = Profile(player.model, time.perf_counter)
        start = time.perf_counter()
        for _ in range(frames):
            player.see(image)
        total = time.perf_counter() - start
        stages = dict(watch.seconds, rest=total - sum(watch.seconds.values()))
        found[case] = {name: spent / frames for name, spent in stages.items()}
    return found


def rate(device: str, amp: bool) -> float:
    """Multiply-adds a second of a convolution that suits the machine, at its best."""
    conv = torch.nn.Conv2d(256, 256, 3, padding=1).to(device)
    image = torch.randn(1, 256, 96, 160, device=device)
    with torch.no_grad(), torch.autocast(torch.device(device).type, enabled=amp):
        found = race(dict(conv=lambda: conv(image)), device=device)
    return 256 * 256 * 9 * 96 * 160 / min(found.seconds['conv'])


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    on_gpu = torch.device(args.device).type == 'cuda'
    if args.amp and not on_gpu:
        raise UserError('--amp is for a GPU')
    if args.profile and on_gpu:
        raise UserError('--profile takes the time of a CPU')
    if args.threads:
        torch.set_num_threads(args.threads)
    size, numbers, ratios = tuple(args.size), [], []
    image, cases = picture(size, args.device), cases_of(args.depth)
    rates = [rate(args.device, args.amp)]
    for count in args.objects:
        objects = Objects(count, size)
        made = players(cases, objects, args.device, args.amp)
        memory = {
            case: peak_memory(
                partial(two_frames, args.depth, case, objects, args.device, args.amp),
                args.device,
            )
            for case in made
        }
        found = compare(made, image, args.rounds, args.device)
        rates.append(rate(args.device, args.amp))
        stages = profile(made, image) if args.profile else {}
        for case, cfg in cases.items():
            # of frames that are not alike there is no one number
            alike = cfg.model.get('detect_interval', 1) == 1
            work = frame_complexity(cfg, size, count) if alike else None
            ratios.append('1' if case == HOST else times(found.ratio(case, HOST)))
            numbers.append(
                dict(
                    case=case,
                    objects=count,
                    seconds_of_two_frames=list(found.seconds[case]),
                    multiply_adds=work and work.multiply_adds,
                    by_part=work and work.by_part,
                    memory=memory[case],
                    stages=stages.get(case),
                )
            )
    reached = max(rates)  # another job may have had the machine at any of them
    header = ['', 'objects', 'a frame', f'times {HOST}']
    header += ['multiply-adds', 'floor', 'memory']
    rows = [row(*both, reached) for both in zip(numbers, ratios, strict=True)]
    precision = 'half precision' if args.amp else 'float32'
    report(
        f'One frame, {size[1]} x {size[0]}, ResNet-{args.depth} FPN, {RPN_BOXES} boxes '
        f'of the RPN, {precision}',
        header,
        rows,
        dict(multiply_adds_a_second=reached, cases=numbers),
        args.out / f'frame_{size[1]}x{size[0]}.json',
        args.device,
    )
    if args.profile:
        print_profile(numbers)


def row(one: Mapping[str, Any], ratio: str, reached: float) -> list[str]:
    """Of the table: a case with its floor, its multiply-adds at the rate reached."""
    work, memory = one['multiply_adds'], one['memory']
    return [
        one['case'],
        str(one['objects']),
        f'{500 * median(one["seconds_of_two_frames"]):.0f} ms',
        ratio,
        f'{work / 1e9:.0f} G' if work else '-',
        f'{1000 * work / reached:.0f} ms' if work else '-',
        '-' if memory is None else f'{memory:.0f} MB',
    ]


def print_profile(numbers: Sequence[dict]) -> None:
    """Milliseconds of each stage of a frame."""
    for one in numbers:
        parts = sorted(one['stages'].items(), key=lambda item: -item[1])
        said = ', '.join(f'{name} {1000 * spent:.0f}' for name, spent in parts)
        print(f'{one["case"]}, {one["objects"]} objects, ms: {said}')


if __name__ == '__main__':
    sys.exit(run_tool(main))
