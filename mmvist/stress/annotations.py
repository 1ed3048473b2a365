"""Annotation files from strangers: each loads, or is refused in one line."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import getitem
from pathlib import Path

import cv2

from mmvist.datasets import FrameIndex
from mmvist.datasets.converters import convert_kitti_mots, convert_youtubevis
from mmvist.datasets.converters.cocovid import read_json
from mmvist.datasets.converters.mots_challenge import convert_mots_challenge
from mmvist.datasets.converters.youtubevis import check_frames
from mmvist.datasets.transforms import LoadFrame
from mmvist.evaluation.predictions import read_predictions
from mmvist.evaluation.truth import load_truth
from mmvist.testing import (
    TOY_FRAMES,
    toy_dataset,
    toy_frames,
    toy_masks,
    toy_mots_txt,
    write_toy_mots,
    write_toy_mots_challenge,
    write_toy_youtube_vis,
)

from .confined import GOOD, LOADED, Outcome, run_confined
from .full_disk import write_results
from .mutations import MUTATIONS, OUTSIDE

CLASSES = ('car', 'pedestrian')


def _train(data: Path) -> None:
    """Every frame of a CocoVID json, as training loads it."""
    dataset = toy_dataset(data)
    for video in range(len(dataset)):
        for t in range(len(dataset.get_data_info(video)['images'])):
            dataset[FrameIndex(video, t, seed=t)]


def _truth(data: Path) -> None:
    """And results of its videos, each in a file of its name."""
    write_results(data, 'annotations/val.json')


def _frame(data: Path) -> None:
    """As testing loads it, where what cannot be read is black."""
    frame = data / READERS['jpg of a frame'][0]
    LoadFrame()(dict(img_path=str(frame), height=64, width=96))


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
    'png that is trained on': ('training/image_02/0000/000003.png', _train),
    'jpg of a frame': ('frame.jpg', _frame),
}
"""Name of a kind of file: where it lies, and what reads it."""
NAMES: dict[str, Sequence[Sequence[str | int]]] = {
    'json of training': [('images', 0, 'file_name')],
    'json of testing': [('images', 0, 'file_name'), ('videos', 0, 'name')],
    'json of YouTube-VIS': [('videos', 0, 'file_names', 0)],
}
"""Where a file names other files, by reader."""


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
    cv2.imwrite(str(data / 'frame.jpg'), toy_frames()[0])
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


def try_escapes() -> Iterator[Trial]:
    """Put each name that leads out of the data folder where a file names others.

    There is no trial in which it may load.
    """
    with _around() as data:
        for reader, places in NAMES.items():
            name, read = READERS[reader]
            path = data / name
            good = path.read_text()
            for number, (place, outside) in enumerate(
                product(places, (*OUTSIDE, str(data.parent / 'secret.png')))
            ):
                content = json.loads(good)
                reduce(getitem, place[:-1], content)[place[-1]] = outside
                path.write_text(json.dumps(content))
                outcome = run_confined(read, data)
                if outcome.kind == LOADED:
                    outcome = Outcome('outside', f'{place}: {outside} was taken')
                yield Trial(number, f'names in {reader}', outcome)
            path.write_text(good)


def try_annotations(
    count: int, seed: int = 0, readers: Iterable[str] = READERS
) -> Iterator[Trial]:
    """Spoil a file and read it, ``count`` times, the readers in turn.

    Trial ``n`` of a seed is the same whatever came before.
    """
    readers = list(readers)
    with _around() as data:
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


@contextmanager
def _around() -> Iterator[Path]:
    """A data folder, with a picture beside it that is nobody's business."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder).resolve() / 'around' / 'data'
        data.mkdir(parents=True)
        write_good(data)
        secret = data / READERS['png of a frame'][0]
        shutil.copy(secret, data.parent / 'secret.png')
        yield data


def spoil(good: bytes, suffix: str, rng: random.Random) -> bytes:
    """Another content of the same kind of file."""
    mutate = MUTATIONS[suffix]
    if suffix in ('.png', '.jpg'):
        return mutate(good, rng)
    return mutate(good.decode(), rng).encode('utf-8', 'surrogatepass')


def tally(trials: Iterable[Trial]) -> dict[str, Counter]:
    """Outcomes by reader."""
    found: dict[str, Counter] = {}
    for trial in trials:
        found.setdefault(trial.reader, Counter())[trial.outcome.kind] += 1
    return found
