"""Annotation files from strangers: each loads, or is refused in one line."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmvist.datasets import FrameIndex
from mmvist.datasets.converters import convert_kitti_mots, convert_youtubevis
from mmvist.datasets.converters.cocovid import read_json
from mmvist.datasets.converters.mots_challenge import convert_mots_challenge
from mmvist.datasets.converters.youtubevis import check_frames
from mmvist.evaluation.predictions import read_predictions
from mmvist.evaluation.truth import load_truth
from mmvist.testing import (
    TOY_FRAMES,
    toy_dataset,
    toy_masks,
    toy_mots_txt,
    write_toy_mots,
    write_toy_mots_challenge,
    write_toy_youtube_vis,
)

from .confined import GOOD, Outcome, run_confined
from .mutations import MUTATIONS

CLASSES = ('car', 'pedestrian')


def _train(data: Path) -> None:
    """Every frame of a CocoVID json, as training loads it."""
    dataset = toy_dataset(data)
    for video in range(len(dataset)):
        for t in range(len(dataset.get_data_info(video)['images'])):
            dataset[FrameIndex(video, t, seed=t)]


def _truth(data: Path) -> None:
    load_truth(str(data / 'annotations/val.json'))


def _kitti(data: Path) -> None:
    convert_kitti_mots(data, ['0000'])


def _challenge(data: Path) -> None:
    convert_mots_challenge(data / 'challenge', ['MOTS20-02'])


def _youtube_vis(data: Path) -> None:
    path = data / 'vis.json'
    content = read_json(path, 'YouTube-VIS')
    check_frames(content, str(path), data / 'JPEGImages')
    convert_youtubevis(content, str(path))


def _results(name: str) -> Callable[[Path], None]:
    def read(data: Path) -> None:
        list(read_predictions(data / name, load_truth(str(data / 'good.json'))))

    return read


READERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    'json of training': ('annotations/train.json', _train),
    'json of testing': ('annotations/val.json', _truth),
    'json of YouTube-VIS': ('vis.json', _youtube_vis),
    'json of results': ('results.json', _results('results.json')),
    'txt of MOTSChallenge': ('challenge/MOTS20-02/gt/gt.txt', _challenge),
    'txt of results': ('results/0000.txt', _results('results')),
    'png of KITTI MOTS': ('instances/0000/000003.png', _kitti),
    'png of a frame': ('training/image_02/0000/000003.png', _kitti),
}
"""Name of a kind of file: where it lies, and what reads it."""


def write_good(data: Path) -> None:
    """All that the readers read, in order."""
    write_toy_mots(data)
    shutil.copy(data / 'annotations/val.json', data / 'good.json')
    write_toy_mots_challenge(data / 'challenge', ['MOTS20-02'])
    content = write_toy_youtube_vis(data / 'JPEGImages', CLASSES)
    (data / 'vis.json').write_text(json.dumps(content))
    tracks = [
        dict(
            video_id=1,
            category_id=track['category_id'],
            score=0.9,
            segmentations=track['segmentations'],
        )
        for track in content['annotations'][:3]
    ]
    (data / 'results.json').write_text(json.dumps(tracks))
    (data / 'results').mkdir()
    (data / 'results/0000.txt').write_text(toy_mots_txt(toy_masks()[:TOY_FRAMES]))


@dataclass(frozen=True)
class Trial:
    """A file that was made bad.

    Attributes:
        number: Of the trial.
        reader: A key of :data:`READERS`.
        outcome: What came of it.
    """

    number: int
    reader: str
    outcome: Outcome

    @property
    def good(self) -> bool:
        """Whether it loaded, or was refused in one line."""
        return self.outcome.kind in GOOD


def try_annotations(
    count: int, seed: int = 0, readers: Iterable[str] = READERS
) -> Iterator[Trial]:
    """Spoil a file and read it, ``count`` times, the readers in turn.

    Trial ``n`` of a seed is the same whatever came before.
    """
    readers = list(readers)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'around' / 'data'
        data.mkdir(parents=True)
        write_good(data)
        secret = data / READERS['png of a frame'][0]
        shutil.copy(secret, data.parent / 'secret.png')
        for number in range(count):
            reader = readers[number % len(readers)]
            name, read = READERS[reader]
            path = data / name
            good = path.read_bytes()
            path.write_bytes(
                spoil(good, path.suffix, random.Random(f'{seed} {number}'))
            )
            yield Trial(number, reader, run_confined(read, data))
            path.write_bytes(good)


def spoil(good: bytes, suffix: str, rng: random.Random) -> bytes:
    """Another content of the same kind of file."""
    mutate = MUTATIONS[suffix]
    if suffix == '.png':
        return mutate(good, rng)
    return mutate(good.decode(), rng).encode('utf-8', 'surrogatepass')


def tally(trials: Iterable[Trial]) -> dict[str, Counter]:
    """Outcomes by reader."""
    found: dict[str, Counter] = {}
    for trial in trials:
        found.setdefault(trial.reader, Counter())[trial.outcome.kind] += 1
    return found
