"""Folders of frames with indexed png masks (DAVIS, YouTube-VOS) to CocoVID.

``frames/SEQ/00000.jpg`` and ``masks/SEQ/00000.png``: a pixel of a mask is the number
of an instance of the sequence, 0 background, 255 a pixel that is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmvist.datasets.converters.cocovid import (
    IGNORE_CLASS,
    IGNORE_ID,
    Progress,
    class_numbers,
    encode_mask,
    no_progress,
)
from mmvist.datasets.converters.frame_sequences import (
    FrameMask,
    FrameSequence,
    Masks,
    convert_sequences,
)
from mmvist.datasets.converters.frames import (
    FRAME_SUFFIXES,
    check_gaps,
    check_mask_size,
    numbered_files,
    paired_files,
    read_one_channel,
)
from mmvist.datasets.errors import DataError, Report, refuse

VOID = 255
"""Value of a pixel that is not judged."""
Labels = Mapping[str, Mapping[str, str]]
"""Sequence to instance number (as text, json's keys) to class name."""


def convert_png_folders(
    root: str | Path,
    sequences: Sequence[str],
    classes: Sequence[str],
    labels: Labels | None = None,
    frames: str = 'JPEGImages',
    masks: str = 'Annotations',
    allow_gaps: bool = False,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
    report: Report = refuse,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Args:
        root: The data set.
        sequences: Names of folders under ``frames`` and ``masks``.
        classes: Class names; their order gives the category ids, from 1 on.
        labels: The class of each instance. Without it there is one class, and every
            instance is of it.
        frames: Folder of the sequences' frames, relative to ``root``.
        masks: Folder of the sequences' masks, relative to ``root``.
        allow_gaps: Accept missing frames; ``frame_id`` then jumps over them.
        stride: Distance between the numbers of neighbours: 5 where only every fifth
            frame is there, so that the others are no gaps.
        check_pixels: Decode every frame to find damaged files.
        progress: Wraps the loop over the sequences.
        report: As of ``convert_sequences``.

    Returns:
        As :func:`~mmvist.datasets.converters.convert_kitti_mots`.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    root = Path(root)
    if labels is None and len(classes) != 1:
        raise DataError(
            f'{root}: {len(classes)} classes are given, and nothing says of which one '
            'an instance is; give one class, or a json with --labels'
        )
    id_of = class_numbers(classes)
    check_labels(labels)

    def find(name: str) -> FrameSequence:
        folder = root / frames / name
        frame_of = numbered_files(folder, FRAME_SUFFIXES, report)
        mask_of = paired_files(frame_of, root / masks / name, report)
        check_gaps(frame_of, folder, allow_gaps, stride, report)
        read = _indexed_masks(mask_of, name, id_of, labels, report)
        return FrameSequence(name, frame_of, name, read)

    content = convert_sequences(
        sequences,
        find,
        {number: name for name, number in id_of.items()},
        f'{len(sequences)} sequences with indexed masks',
        stride,
        check_pixels,
        progress,
        report,
    )
    if content['annotations'] and all(a.get('ignore') for a in content['annotations']):
        report(
            DataError(
                f'{root / masks}: all masks are of {VOID}, which means not judged, and '
                'none shows an instance; number instances from 1'
            )
        )
    return content


def check_labels(labels: Labels | None) -> None:
    """Refuse what is not sequence to instance number to class name."""
    for name, names in (labels or {}).items():
        if not isinstance(names, Mapping) or not all(
            isinstance(label, str) for label in names.values()
        ):
            raise DataError(
                f'--labels: {name!r} has no object of instance numbers and class '
                'names; write it as {"SEQ": {"1": "dog", "2": "person"}}'
            )


def _indexed_masks(
    mask_of: dict[int, Path],
    name: str,
    id_of: dict[str, int],
    labels: Labels | None,
    report: Report,
) -> Masks:
    def category_of(path: Path, value: int) -> int:
        if labels is None:
            return next(iter(id_of.values()))
        label = labels.get(name, {}).get(str(value))
        if label is None:
            raise DataError(
                f'{path}: instance {value} of sequence {name} has no class in '
                '--labels; name it there'
            )
        if label not in id_of:
            raise DataError(
                f'{path}: instance {value} is a {label}, which is none of '
                f'{list(id_of)}; name it with --classes'
            )
        return id_of[label]

    def masks(number: int, size: tuple[int, int]) -> Iterable[FrameMask]:
        if number not in mask_of:
            return
        path = mask_of[number]
        pixels = read_one_channel(path, 'an indexed mask has one (a palette, or grey)')
        check_mask_size(path, pixels, size)
        for value in np.unique(pixels[pixels > 0]).tolist():
            rle = encode_mask(pixels == value)
            if value == VOID:
                yield FrameMask(IGNORE_CLASS, IGNORE_ID, rle)
                continue
            try:
                category_id = category_of(path, value)
            except DataError as error:
                report(error)
                continue
            yield FrameMask(category_id, value, rle)

    return masks
