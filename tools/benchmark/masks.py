"""From the logits of a mask head to run-length codes, beside MMDetection.

MMDetection pastes every mask into a picture of its own and encodes the pictures; its
masks may overlap. mmvist keeps each in its box, makes them disjoint, and encodes the
boxes. Where no two masks overlap both have to say the same, pixel for pixel.

Example:
    python tools/benchmark/masks.py --instances 50 --size 1080 1920
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.structures.mask import encode_mask_results
from mmengine.config import ConfigDict
from pycocotools import mask as mask_utils
from torch import Tensor

from mmvist.benchmark.side_by_side import (
    check_agreement,
    peak_memory,
    race,
    report,
    times,
)
from mmvist.engine.launch import run_tool
from mmvist.models.segmentation import paste_all
from mmvist.structures.crop_rle import encode_crops
from mmvist.structures.crops import disjoint_crops

THRESHOLD = 0.5
SHAPES = {
    'people': ((100, 400), (0.3, 0.5)),
    'cars and people': ((30, 250), (0.4, 2.0)),
    'a crowd of large ones': ((40, 500), (0.4, 1.5)),
}
"""Heights in pixels of 1080, and width over height."""


class Scene:
    """What a mask head says of a frame: logits of blobs in random boxes."""

    def __init__(
        self, kind: str, count: int, size: tuple[int, int], device: str
    ) -> None:
        (low, high), (narrow, wide) = SHAPES[kind]
        draw = torch.Generator().manual_seed(0)
        scale = size[0] / 1080
        height = torch.empty(count).uniform_(low * scale, high * scale, generator=draw)
        width = height * torch.empty(count).uniform_(narrow, wide, generator=draw)
        left = torch.rand(count, generator=draw) * (size[1] - width)
        top = torch.rand(count, generator=draw) * (size[0] - height)
        boxes = torch.stack([left, top, left + width, top + height], dim=1)
        rough = torch.randn(count, 1, 5, 5, generator=draw)
        rough = F.interpolate(rough, size=(28, 28), mode='bicubic') * 2
        axis = torch.linspace(-1, 1, 28)
        blob = 6 - 7 * (axis[:, None] ** 2 + axis**2)
        self.logits = (rough + blob).to(device)
        self.boxes = boxes.to(device)
        self.scores = torch.rand(count, generator=draw).to(device)
        self.size = size
        self.head = FCNMaskHead(num_classes=1, num_convs=0, class_agnostic=True)

    @torch.no_grad()
    def pictures(self) -> Tensor:
        """Masks by MMDetection, (N, H, W)."""
        return self.head._predict_by_feat_single(
            self.logits,
            self.boxes,
            torch.zeros(len(self.boxes), dtype=torch.long, device=self.boxes.device),
            dict(ori_shape=self.size, scale_factor=(1.0, 1.0)),
            ConfigDict(mask_thr_binary=THRESHOLD),
            rescale=True,
        )

    def host(self) -> list[dict]:
        """MMDetection's run-length codes."""
        return encode_mask_results(self.pictures().cpu().numpy())

    @torch.no_grad()
    def ours(self) -> list[dict]:
        """Those of mmvist, disjoint."""
        found = paste_all(self.logits.sigmoid(), self.boxes, self.size, THRESHOLD)
        return encode_crops(disjoint_crops(found.masks, self.scores, found.probs))

    def agree(self) -> bool:
        """Whether both say the same wherever at most one mask is, and ours are
        disjoint and cover what theirs cover."""
        theirs = self.pictures().cpu().numpy()
        alone = theirs.sum(axis=0) <= 1
        ours = np.stack([mask_utils.decode(code) for code in self.ours()]).astype(bool)
        owned = ours.sum(axis=0)
        return (
            np.array_equal(ours & alone, theirs & alone)
            and owned.max() <= 1
            and np.array_equal(owned > 0, theirs.any(axis=0))
            and all(
                np.array_equal(mask_utils.decode(code).astype(bool), picture)
                for code, picture in zip(self.host(), theirs, strict=True)
            )
        )


def side(
    kind: str, count: int, size: tuple[int, int], device: str, whose: str
) -> Callable[[], list[dict]]:
    """One of the two, made anew."""
    return getattr(Scene(kind, count, size, device), whose)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--instances', type=int, nargs='+', default=[10, 50, 200])
    parser.add_argument('--size', type=int, nargs=2, default=[1080, 1920])
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--threads', type=int, help="default: PyTorch's own")
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/performance'))
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    rows, numbers = [], []
    for kind in SHAPES:
        for count in args.instances:
            scene = Scene(kind, count, tuple(args.size), args.device)
            check_agreement(f'masks of {count} {kind}', scene.agree())
            what = kind, count, tuple(args.size), args.device
            memory = [
                peak_memory(partial(side, *what, whose), args.device)
                for whose in ('host', 'ours')
            ]
            found = race(
                dict(host=scene.host, ours=scene.ours),
                args.rounds,
                device=args.device,
            )
            numbers.append(
                dict(
                    kind=kind,
                    instances=count,
                    seconds=dict(found.seconds),
                    memory=dict(zip(('host', 'ours'), memory, strict=True)),
                )
            )
            known = None not in memory
            rows.append(
                [
                    kind,
                    str(count),
                    f'{1000 * found.time("host"):.0f} ms',
                    f'{1000 * found.time("ours"):.0f} ms',
                    times(found.ratio('host', 'ours')),
                    f'{memory[0]:.0f} MB' if known else '-',
                    f'{memory[1]:.0f} MB' if known else '-',
                    f'{memory[0] / memory[1]:.1f}' if known and memory[1] else '-',
                ]
            )
    header = ['boxes', 'instances', 'MMDetection', 'mmvist', 'times faster']
    header += ['MMDetection', 'mmvist', 'times less memory']
    report(
        f'Logits to run-length codes, {args.size[1]} x {args.size[0]}',
        header,
        rows,
        numbers,
        args.out / 'masks.json',
        args.device,
    )


if __name__ == '__main__':
    sys.exit(run_tool(main))
