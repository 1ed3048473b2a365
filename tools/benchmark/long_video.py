"""A long video frame by frame, results written as they come: memory and time.

Objects come and go all along, those of the demo's models at the demo's size; weights
are random and detections given. Each model runs in a process of its own, and is stopped
when it holds more than it may.

Example:
    python tools/benchmark/long_video.py --frames 10000
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use('Agg')
import numpy as np
import torch
from matplotlib import pyplot as plt
from mmengine.structures import InstanceData
from rich.progress import track
from torch import Tensor

from mmvist.apis.inference import FrameResult, plain_instances
from mmvist.apis.result_lines import ResultLines
from mmvist.benchmark.frames import Objects, Player, padded
from mmvist.benchmark.own_process import Send, sent_by
from mmvist.benchmark.rows import CONFIGS
from mmvist.benchmark.side_by_side import report, resident
from mmvist.engine.errors import UserError
from mmvist.engine.launch import read_config, run_tool

MODELS = {
    'VAE-VIST': 'vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py',
    'MaskTrack R-CNN': 'baselines/masktrack-rcnn_mask-rcnn_r18-half_fpn_synthetic.py',
}
SETTLED = 500
"""Frames after which nothing may grow."""
EVERY = 100
"""Frames between two measurements."""


@dataclass(frozen=True)
class Visitors(Objects):
    """Each object stays for 60 frames and comes back, elsewhere, after 40."""

    period: int = 100
    stay: int = 60

    def detections(self, frame: int, device: torch.device | str) -> InstanceData:
        """Those that are there."""
        turn = torch.arange(self.count) * self.period // max(self.count, 1) + frame
        there = turn % self.period < self.stay
        return super().detections(frame, device)[there.to(device)]


def play(name: str, args: argparse.Namespace, send: Send) -> None:
    """Track the video and send (frame, MB, seconds a frame) now and then."""
    torch.set_num_threads(args.threads)
    size = tuple(args.size)
    cfg = read_config(CONFIGS / MODELS[name])
    player = Player(cfg.model, Visitors(args.objects, size))
    player.let_go()
    image = torch.randn(1, 3, *padded(size), generator=torch.Generator().manual_seed(0))
    blank = np.zeros((*size, 3), np.uint8)
    out = args.out / f'long_video_{name.split()[0]}.jsonl'
    times: list[float] = []
    with ResultLines(out) as lines:
        for frame in range(args.frames):
            start = time.perf_counter()
            shown = plain_instances(_see(player, image), size)
            lines.write(FrameResult(frame, blank, shown, ()))
            times.append(time.perf_counter() - start)
            if (frame + 1) % EVERY == 0:
                held = resident()
                send((frame + 1, held, median(times)))
                times.clear()
                if held > args.limit:
                    print(f'{name} holds over {args.limit} MB: stopped', flush=True)
                    return


def _see(player: Player, image: Tensor) -> InstanceData:
    player.see(image)
    return player.shown


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--frames', type=int, default=10_000)
    parser.add_argument('--objects', type=int, default=8)
    parser.add_argument('--size', type=int, nargs=2, default=[128, 192])
    parser.add_argument('--limit', type=int, default=6000, help='MB that one may hold')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    if args.frames < EVERY:
        raise UserError(f'--frames has to be at least {EVERY}')
    torch.set_num_threads(args.threads)  # of the report; see play
    args.out.mkdir(parents=True, exist_ok=True)
    found = {
        name: list(track(sent_by(play, name, args), name, args.frames // EVERY))
        for name in MODELS
    }
    rows = [_row(name, points) for name, points in found.items()]
    header = ['', 'frames', f'MB at frame {SETTLED}', 'at the end', 'growth a frame']
    header += ['ms a frame, first tenth', 'last tenth']
    report(
        f'A video of {args.frames:,} frames, {args.size[1]} x {args.size[0]}',
        header,
        rows,
        found,
        args.out / 'long_video.json',
    )
    _plot(found, args.out / 'long_video.png')


def _row(name: str, points: Sequence[tuple[int, float, float]]) -> list[str]:
    settled = next((p for p in points if p[0] >= SETTLED), points[-1])
    last, tenth = points[-1], max(1, len(points) // 10)
    grown = (last[1] - settled[1]) * 1024 / max(1, last[0] - settled[0])
    return [
        name,
        f'{last[0]:,}',
        f'{settled[1]:.0f}',
        f'{last[1]:.0f}',
        f'{grown:.2f} kB',
        f'{1000 * median(p[2] for p in points[:tenth]):.1f}',
        f'{1000 * median(p[2] for p in points[-tenth:]):.1f}',
    ]


def _plot(found: dict, path: Path) -> None:
    figure, (memory, speed) = plt.subplots(1, 2, figsize=(9, 3.2))
    for name, points in found.items():
        frames, held, times = zip(*points, strict=True)
        memory.plot(frames, held, label=name)
        speed.plot(frames, [1000 * one for one in times], label=name)
    memory.set(xlabel='frame', ylabel='resident memory, MB', ylim=(0, None))
    speed.set(xlabel='frame', ylabel='ms a frame', ylim=(0, None))
    memory.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == '__main__':
    sys.exit(run_tool(main))
