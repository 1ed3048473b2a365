"""Results on a disk that is full: a line, and the results of before as they were.

The disk is one that lets no file grow beyond a size.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mmvist.datasets.converters import write_json
from mmvist.engine.dump import DumpTracks
from mmvist.engine.launch import write_metrics
from mmvist.evaluation.frame_records import FrameRecord
from mmvist.evaluation.mots_metric import MOTSMetric
from mmvist.evaluation.truth import Truth, load_truth
from mmvist.evaluation.video_results import write_video_results
from mmvist.evaluation.vis_metric import VISMetric
from mmvist.testing import write_toy_mots

from .confined import LOADED, REFUSED, Outcome, run_confined

CLASSES = ('car', 'pedestrian')
TRUTH = 'annotations/val.json'
OLD, NEW = 1, 2
"""Results that are there, and those that are written over them."""


def _records(truth: Truth, version: int) -> dict[int, FrameRecord]:
    """As many instances of each frame as the number of the version."""
    place = {one: i for i, one in enumerate(truth.category_ids(CLASSES))}
    found = {}
    for number, frame in truth.frames.items():
        rows = [i for i, one in enumerate(frame.category_ids) if one in place][:version]
        found[number] = FrameRecord(
            number,
            np.array([place[frame.category_ids[i]] for i in rows], dtype=int),
            np.full(len(rows), 0.5),
            np.array([frame.instance_ids[i] for i in rows], dtype=int),
            [frame.rles[i] for i in rows],
        )
    return found


def write_results(
    data: Path,
    truth: str,
    version: int = NEW,
    kind: Callable = MOTSMetric,
    **settings: object,
) -> None:
    """Write results as a test does: some of the truth, found.

    Args:
        data: A folder; ``out`` in it gets the results.
        truth: Annotation file in it.
        version: :data:`OLD` or :data:`NEW`.
        kind: Metric that writes them.
        **settings: Of the metric.
    """
    path, prefix = str(data / truth), str(data / 'out' / 'results')
    metric = kind(ann_file=path, outfile_prefix=prefix, format_only=True, **settings)
    metric.dataset_meta = dict(classes=CLASSES)
    metric.compute_metrics(_records(load_truth(path), version))


def _metric(kind: Callable, data: Path, version: int, **settings: object) -> None:
    write_results(data, TRUTH, version, kind, **settings)


def _dump(data: Path, version: int) -> None:
    DumpTracks(str(data / 'out/tracks.pkl')).compute_metrics(
        [dict(video_id=0, frame_id=t, scores=np.ones(10)) for t in range(10 * version)]
    )


def _numbers(version: int) -> dict[str, float]:
    return {f'number {i}': float(i) for i in range(50 * version)}


WRITERS: dict[str, Callable[[Path, int], None]] = {
    'metrics.json': lambda data, v: write_metrics(_numbers(v), data / 'out'),
    'videos.json': lambda data, v: write_video_results(
        data / 'out/videos.json', CLASSES, dict(clip=_numbers(v))
    ),
    'annotations': lambda data, v: write_json(
        _numbers(v), data / 'out/val.json', force=True
    ),
    'tracks.pkl': _dump,
    'MOTS txt': partial(_metric, partial(MOTSMetric, outfile_formats=('txt',))),
    'MOTS png': partial(_metric, partial(MOTSMetric, outfile_formats=('png',))),
    'YouTube-VIS': partial(_metric, VISMetric),
}
"""What writes results into ``out``: of data, and of a version."""


@dataclass(frozen=True)
class Trial:
    """Results written over those of before, with no room for them, or too little.

    Attributes:
        writer: A key of :data:`WRITERS`.
        room: Bytes that a file may have.
        outcome: What came of it.
        left: Which results are there afterwards: ``old``, ``new`` or ``neither``.
    """

    writer: str
    room: int
    outcome: Outcome
    left: str

    @property
    def good(self) -> bool:
        """Whether all is written, or nothing and a line tells the file."""
        refused = self.outcome.kind == REFUSED and self.left == 'old'
        return (refused and '/out' in self.outcome.text) or (
            self.outcome.kind == LOADED and self.left == 'new'
        )


def try_full_disk(count: int, seed: int = 0) -> Iterator[Trial]:
    """Write results ``count`` times, the writers in turn, each with less room."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'around' / 'data'
        data.mkdir(parents=True)
        write_toy_mots(data)
        for number in range(count):
            name = list(WRITERS)[number % len(WRITERS)]
            yield _try(name, data, rng)


def _try(name: str, data: Path, rng: random.Random) -> Trial:
    write, out = WRITERS[name], data / 'out'
    content = {}
    for version in (NEW, OLD):
        shutil.rmtree(out, ignore_errors=True)
        write(data, version)
        content[version] = _read(out)
    largest = max(map(len, content[NEW].values()))
    room = rng.randrange(largest + largest // 4)
    outcome = run_confined(lambda data: write(data, NEW), data, file_bytes=room)
    now = _read(out)
    left = 'new' if now == content[NEW] else 'neither'
    return Trial(name, room, outcome, 'old' if now == content[OLD] else left)


def _read(folder: Path) -> dict[str, bytes]:
    """Every file, hidden ones among them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }
