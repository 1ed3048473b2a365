"""How well each annotated object was followed, whatever else is in the picture.

For sets of which only some objects are annotated: precision means nothing there,
recall, mask IoU and identity of the annotated ones do. Reads what
``tools/test.py --out TRACKS.pkl`` wrote (a pickle: only open your own).

Example:
    python tools/analysis_tools/object_report.py tracks.pkl annotations/all.json
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mmvist.datasets import DataError
from mmvist.engine.dump import check_tracks, read_tracks
from mmvist.engine.launch import run_tool
from mmvist.evaluation.frame_errors import best_matches
from mmvist.evaluation.truth import load_truth


@dataclass
class Followed:
    """Frames of one object: how many, and by which identity it was found."""

    frames: int = 0
    ious: list[float] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def add(self, iou: float, identity: int, threshold: float) -> None:
        """Count a frame; the best prediction counts from ``threshold`` on."""
        self.frames += 1
        if iou >= threshold:
            self.ious.append(iou)
            self.ids.append(identity)

    def row(self) -> list[str]:
        """Frames, recall, mean IoU, share of the main identity, switches."""
        if not self.frames:
            return ['0', '-', '-', '-', '-']
        found = len(self.ids)
        main = Counter(self.ids).most_common(1)[0][1] / found if found else 0.0
        switches = sum(a != b for a, b in zip(self.ids, self.ids[1:], strict=False))
        return [
            str(self.frames),
            f'{found / self.frames:.2f}',
            f'{np.mean(self.ious):.2f}' if found else '-',
            f'{main:.2f}',
            str(switches),
        ]


def report(tracks: list[dict], ann_file: str, split: float, threshold: float) -> Table:
    """A row for each object and part of its video.

    Raises:
        DataError: The annotation file cannot be used.
    """
    truth = load_truth(ann_file)
    check_tracks(tracks, truth.frames, ann_file)
    by_image = {record['img_id']: record for record in tracks}
    names = {number: name for name, number in truth.categories.items()}
    table = Table()
    for title in ('video', 'object', 'part', 'frames', 'recall', 'IoU', 'main id'):
        table.add_column(title)
    table.add_column('switches')
    for video in truth.videos:
        cut = round(split * len(video.frames))
        for part, frames in (
            (f'first {split:.0%}', video.frames[:cut]),
            ('rest', video.frames[cut:]),
        ):
            objects: dict[tuple[int, str], Followed] = {}
            for frame in frames:
                found = by_image.get(frame.img_id, dict(masks=[], instances_id=[]))
                pairs = best_matches(frame, found['masks'], found['instances_id'])
                for row, instance in enumerate(frame.instance_ids):
                    name = names.get(frame.category_ids[row], '?')
                    one = objects.setdefault((instance, name), Followed())
                    one.add(*pairs[row], threshold)
            for (instance, name), one in sorted(objects.items()):
                table.add_row(video.name, f'{name} {instance}', part, *one.row())
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('tracks', type=Path, help='of tools/test.py --out')
    parser.add_argument('ann_file', help='CocoVID-style json with the truth')
    parser.add_argument('--split', type=float, default=0.6, help='default: 0.6')
    parser.add_argument('--iou', type=float, default=0.5, help='found from here on')
    args = parser.parse_args(argv)
    if not 0 <= args.split <= 1:
        parser.error('--split is a share of a video, from 0 to 1')
    if not Path(args.ann_file).is_file():
        raise DataError(f'{args.ann_file}: no such file')
    tracks = read_tracks(args.tracks)
    Console(width=100).print(report(tracks, args.ann_file, args.split, args.iou))


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
