"""An iteration of training of VAE-VIST beside MMDetection's MaskTrack R-CNN.

The same detector, frames and objects; VAE-VIST reads three frames a sample, MaskTrack
R-CNN two. Forward, backward and the step of the optimiser, preprocessing included; of
VAE-VIST in the phase in which RPN boxes are candidates of D_aug, the costlier one. A
ratio is printed if the detector's box head learnt from as many RoIs in every step.

Example:
    python tools/benchmark/training_step.py --size 360 640 --batch 2
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import Tensor

from mmvist.benchmark.frames import HOST, Objects, paper_cases
from mmvist.benchmark.side_by_side import check_agreement, race, report, times
from mmvist.benchmark.training_batches import clip_batch, pair_batch
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.models import VAEVIST
from mmvist.registry import MODELS

WARMUP = 2
OPTIMIZER = dict(type='SGD', lr=1e-4, momentum=0.9)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--size', type=int, nargs=2, default=[360, 640], help='(height, width)'
    )
    parser.add_argument('--objects', type=int, default=10)
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--depth', type=int, default=50, choices=[50, 101])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, help="default: PyTorch's own")
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--amp', action='store_true', help='on a GPU: half precision')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


class Learner:
    """A model that trains on one batch again and again."""

    def __init__(
        self,
        cfg: Config,
        objects: Objects,
        batch: int,
        steps: int,
        device: str,
        amp: bool,
    ) -> None:
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.model = MODELS.build(cfg).to(device).train()
        kind = 'AmpOptimWrapper' if amp else 'OptimWrapper'
        self.optim = build_optim_wrapper(
            self.model, dict(type=kind, optimizer=OPTIMIZER)
        )
        make = clip_batch if isinstance(self.model, VAEVIST) else pair_batch
        # made beforehand: a loader has workers for it
        self._batches = iter([make(objects, batch) for _ in range(steps)])
        self.rois: list[int] = []
        head = self.model.detector.roi_head.bbox_head
        loss_of = head.loss_and_target

        def counted(cls_score: Tensor, *args: Any, **kwargs: Any) -> dict:
            self.rois.append(len(cls_score))
            return loss_of(cls_score, *args, **kwargs)

        # not of its forward: VAE-VIST detects in training, too
        head.loss_and_target = counted

    def step(self) -> None:
        """One iteration.

        Raises:
            UserError: Its loss is not finite.
        """
        losses = self.model.train_step(next(self._batches), self.optim)
        if not losses['loss'].isfinite():
            raise UserError('a loss is not finite: no number')


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    objects = Objects(args.objects, tuple(args.size))
    cases = {
        name: cfg
        for name, cfg in paper_cases(args.depth).items()
        if 'second' not in name
    }
    learners = {
        name: Learner(
            cfg.model,
            objects,
            args.batch,
            args.rounds + WARMUP,
            args.device,
            args.amp,
        )
        for name, cfg in cases.items()
    }
    found = race(
        {name: one.step for name, one in learners.items()},
        args.rounds,
        WARMUP,
        args.device,
    )
    counts = {name: tuple(one.rois) for name, one in learners.items()}
    check_agreement(
        f'RoIs that the box head learnt from, {counts},', len(set(counts.values())) == 1
    )
    rows = [
        [
            name,
            f'{1000 * found.time(name):.0f} ms',
            '1' if name == HOST else times(found.ratio(name, HOST)),
        ]
        for name in cases
    ]
    width, height = args.size[1], args.size[0]
    report(
        f'An iteration, {args.batch} samples, {width} x {height}, '
        f'{args.objects} objects, ResNet-{args.depth} FPN',
        ['', 'an iteration', f'times {HOST}'],
        rows,
        dict(seconds=dict(found.seconds)),
        args.out / f'training_step_{width}x{height}.json',
        args.device,
    )


if __name__ == '__main__':
    sys.exit(run_tool(main))
