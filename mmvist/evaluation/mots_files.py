"""Predictions in the two formats of MOTS: lines of txt, and one png a frame."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import IGNORE_CLASS
from mmvist.datasets.errors import DataError
from mmvist.files import whole_file

from .frame_records import FrameRecord
from .rle import Rle
from .truth import Truth, TruthFrame, TruthVideo

MOTS_FORMATS = ('txt', 'png')
INSTANCES = 999
"""Of a class in a video, as a png numbers them: 1 to 999."""
CLASSES = 64
"""Highest category id of a png: 65 * 1000 + 999 is no number of 16 bits."""

Records = Mapping[int, FrameRecord]
"""Predictions by image id; a frame without a record is empty."""


def mots_path(folder: Path, video: TruthVideo, suffix: str = '') -> Path:
    """The file of a video with its ``suffix``, or its folder of pngs."""
    return folder / (video.name.replace('/', '_') + suffix)


def check_video_names(truth: Truth) -> None:
    """Refuse videos whose files would have one name.

    Raises:
        DataError: Two have; one line that names them.
    """
    known: dict[Path, TruthVideo] = {}
    for video in truth.videos:
        other = known.setdefault(mots_path(Path(), video), video)
        if other is not video:
            raise DataError(
                f'videos {other.id} ({other.name}) and {video.id} ({video.name}) would '
                f'share the file {mots_path(Path(), video, ".txt")}: give them names '
                'of their own'
            )


def write_mots(
    truth: Truth,
    records: Records,
    category_ids: Sequence[int],
    folder: Path,
    formats: Sequence[str] = ('txt',),
) -> None:
    """Write predictions as txt, png or both; all files, or none.

    As txt there is ``NAME.txt`` of each video: frame, id, class, height, width, code.
    As png ``NAME/FFFFFF.png`` of each frame, as KITTI MOTS has its annotations: a pixel
    (16 bit) is category id * 1000 + instance, 0 background. Instances count from 1 in
    each class of a video, in the order in which they appear: a track that changes its
    class is one instance in each.

    Args:
        truth: The videos, fit for :func:`check_video_names`; the number of a frame is
            that of its file.
        records: Predictions, their masks disjoint.
        category_ids: Of each label, for png fit for :func:`check_png_classes`.
        folder: Is made.
        formats: Of :data:`MOTS_FORMATS`.

    Raises:
        DataError: As png, a video has more than 999 instances of a class.
    """
    write = {'txt': _write_txt, 'png': _write_pngs}
    with ExitStack() as files:
        for name in formats:
            for video in truth.videos:
                write[name](video, records, category_ids, folder, files)


def _write_txt(
    video: TruthVideo,
    records: Records,
    category_ids: Sequence[int],
    folder: Path,
    files: ExitStack,
) -> None:
    lines = (
        f'{frame.number} {track} {category} {frame.height} {frame.width} '
        f'{rle["counts"]}\n'
        for frame in video.frames
        for track, category, rle in _instances(records, frame, category_ids)
    )
    path = files.enter_context(whole_file(mots_path(folder, video, '.txt')))
    path.write_text(''.join(lines))


def _write_pngs(
    video: TruthVideo,
    records: Records,
    category_ids: Sequence[int],
    folder: Path,
    files: ExitStack,
) -> None:
    path = mots_path(folder, video)
    value_of = _png_values(video, records, category_ids, path)
    for frame in video.frames:
        pixels = np.zeros((frame.height, frame.width), dtype=np.uint16)
        for track, category, rle in _instances(records, frame, category_ids):
            mask = mask_utils.decode(rle).astype(bool)
            pixels[mask] = value_of[category, track]
        part = files.enter_context(whole_file(path / f'{frame.number:06}.png'))
        part.write_bytes(_png(pixels))


def _png(pixels: np.ndarray) -> bytes:
    """Encoded in memory: of a disk that is full, Pillow tells nothing but a number."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, 'png')
    return buffer.getvalue()


def check_png_classes(names: Sequence[str], category_ids: Sequence[int]) -> None:
    """Refuse classes that a png cannot hold.

    Raises:
        DataError: A category id is above 64, or that of regions that are not judged.
    """
    for name, category in zip(names, category_ids, strict=True):
        if category == IGNORE_CLASS or not 0 < category <= CLASSES:
            raise DataError(
                f'class {name} has category id {category}; in a MOTS png ids go from '
                f'1 to {CLASSES}, and {IGNORE_CLASS} is a region that is not judged: '
                'write txt'
            )


def _png_values(
    video: TruthVideo, records: Records, category_ids: Sequence[int], path: Path
) -> dict[tuple[int, int], int]:
    """(category id, track) to the value of its pixels."""
    values: dict[tuple[int, int], int] = {}
    counts: Counter[int] = Counter()
    for frame in video.frames:
        for track, category, _ in _instances(records, frame, category_ids):
            if (category, track) not in values:
                counts[category] += 1
                values[category, track] = category * 1000 + counts[category]
    for category, count in counts.items():
        if count > INSTANCES:
            raise DataError(
                f'{path}: {count} instances of category {category} are more than the '
                f'{INSTANCES} that a png can number; write txt'
            )
    return values


def _instances(
    records: Records, frame: TruthFrame, category_ids: Sequence[int]
) -> Iterator[tuple[int, int, Rle]]:
    """(id, category id, mask) of each instance of a frame."""
    record = records.get(frame.img_id)
    if record is not None:
        for track, label, rle in zip(
            record.ids.tolist(), record.labels, record.rles, strict=True
        ):
            yield track, category_ids[label], rle
