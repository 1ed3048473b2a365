"""A whole synthetic set on the disk, in KITTI MOTS layout."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from mmvist.datasets.converters.kitti_mots import (
    KITTI_MOTS_CLASSES,
    read_instance_png,
)
from mmvist.datasets.converters.sequences import write_split_file
from mmvist.datasets.errors import DataError
from mmvist.datasets.synthetic.check import LinkReport, link_report
from mmvist.datasets.synthetic.clip import Clip, make_clip
from mmvist.datasets.synthetic.plan import truth_of

FRAMES_DIR = 'training/image_02'
MASKS_DIR = 'instances'
HIDDEN_FILE = 'hidden.json'
# numbers of the random streams: a clip does not change with the size of the set
SPLITS = {'train': 0, 'val': 1}
# pixels of a side; actors of smaller frames would be a few pixels wide
MIN_SIZE = 64


def iter_clips(
    counts: dict[str, int],
    frames: int = 24,
    width: int = 192,
    height: int = 128,
    seed: int = 0,
    workers: int = 1,
) -> Iterator[tuple[str, str, Clip]]:
    """Make the clips of a set one by one.

    Args:
        counts: Number of clips of ``train`` and ``val``.
        frames: Frames of a clip.
        width: In pixels.
        height: In pixels.
        seed: Of the whole set.
        workers: Processes that make clips side by side; the clips and their
            order are the same for any number.

    Yields:
        Split, name of the sequence (counted on from train to val), and the clip.
    """
    jobs = [(split, i) for split, count in counts.items() for i in range(count)]
    seeds = [(seed, SPLITS[split], i) for split, i in jobs]
    make = partial(make_clip, frames=frames, width=width, height=height)
    pool = ProcessPoolExecutor(workers) if workers > 1 else None
    try:
        clips = pool.map(make, seeds) if pool else map(make, seeds)
        for number, ((split, _), clip) in enumerate(zip(jobs, clips, strict=True)):
            yield split, f'{number:04}', clip
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)


def digest(clips: Iterable[Clip]) -> str:
    """sha256 over the pixels and the ids of some clips, in order."""
    total = hashlib.sha256()
    for clip in clips:
        total.update(np.ascontiguousarray(clip.frames).tobytes())
        total.update(np.ascontiguousarray(clip.masks, dtype='<u2').tobytes())
    return total.hexdigest()


def write_synthetic(
    root: str | Path,
    train_clips: int = 96,
    val_clips: int = 16,
    frames: int = 24,
    width: int = 192,
    height: int = 128,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[Iterable, int], Iterable] = lambda steps, total: steps,
) -> dict[str, list[str]]:
    """Write a synthetic set.

    Under ``root``: ``training/image_02/SSSS/FFFFFF.png`` (8 bit RGB),
    ``instances/SSSS/FFFFFF.png`` (16 bit, class * 1000 + instance),
    ``splits/train.txt`` and ``splits/val.txt``, the sequences of each split, and
    ``hidden.json``: of each sequence and frame the fraction of each actor that cannot
    be seen, which masks do not tell.

    Args:
        root: A folder that is empty or does not exist yet.
        train_clips: Number of clips.
        val_clips: Number of other clips, drawn from other random streams.
        frames: Frames of a clip.
        width: In pixels.
        height: In pixels.
        seed: The same seed gives the same pixels on every machine.
        workers: Processes to use.
        progress: Wraps the loop over the clips, given their number.

    Returns:
        The sequences of each split.

    Raises:
        DataError: If ``root`` holds something already, or a number is no use.
    """
    if min(train_clips, val_clips, seed) < 0 or min(frames, workers) < 1:
        raise DataError(
            'synthetic clips: numbers of clips and the seed must not be negative, '
            'and at least one frame and one worker are needed'
        )
    if min(width, height) < MIN_SIZE:
        raise DataError(
            f'synthetic clips: {width}x{height} is too small, take at least '
            f'{MIN_SIZE}x{MIN_SIZE}'
        )
    root = Path(root)
    if root.exists() and any(root.iterdir()):
        raise DataError(f'{root}: is not empty; give a new folder or remove it')
    counts = dict(train=train_clips, val=val_clips)
    splits: dict[str, list[str]] = {split: [] for split in counts}
    hidden: dict[str, list[dict[int, float]]] = {}
    clips = iter_clips(counts, frames, width, height, seed, workers)
    for split, name, clip in progress(clips, sum(counts.values())):
        _write_images(root / FRAMES_DIR / name, clip.frames[..., ::-1])
        _write_images(root / MASKS_DIR / name, clip.masks)
        splits[split].append(name)
        hidden[name] = [
            {value: round(fraction, 4) for value, fraction in frame.items()}
            for frame in clip.hidden
        ]
    for split, names in splits.items():
        write_split_file(root / 'splits' / f'{split}.txt', names)
    (root / HIDDEN_FILE).write_text(json.dumps(hidden))
    return splits


def _write_images(folder: Path, images: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for t, image in enumerate(images):
        path = folder / f'{t:06}.png'
        if not cv2.imwrite(str(path), image):
            raise DataError(f'{path}: cannot be written; is the disk full?')


def read_report(root: str | Path, sequences: Iterable[str]) -> LinkReport:
    """Check how hard the written sequences of a set are to link.

    Args:
        root: A set in KITTI MOTS layout, synthetic or not.
        sequences: Their names.

    Raises:
        DataError: If a mask cannot be read.
    """
    report = LinkReport()
    for name in sequences:
        paths = sorted((Path(root) / MASKS_DIR / name).glob('*.png'))
        masks = [read_instance_png(path, KITTI_MOTS_CLASSES) for path in paths]
        report = report + link_report(truth_of(np.stack(masks)), masks[0].shape)
    return report
