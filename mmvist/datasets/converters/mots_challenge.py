"""MOTSChallenge layout to a CocoVID-style dict.

``SEQ/img1/FFFFFF.jpg``, counted from 1, ``SEQ/gt/gt.txt`` in MOTS txt, and
``SEQ/seqinfo.ini``, which says how many frames of which size there are.
"""

from __future__ import annotations

import configparser
from collections.abc import Sequence
from pathlib import Path

from mmvist.datasets.converters.cocovid import Progress, no_progress
from mmvist.datasets.converters.frame_sequences import (
    FrameSequence,
    convert_sequences,
    masks_of_txt,
    no_masks,
)
from mmvist.datasets.converters.frames import (
    FRAME_SUFFIXES,
    check_gaps,
    frame_size,
    numbered_files,
)
from mmvist.datasets.errors import DataError, Report, refuse

MOTS_CHALLENGE_CLASSES = {2: 'pedestrian'}
MOTS_CHALLENGE_TRAIN = ('MOTS20-02', 'MOTS20-05', 'MOTS20-09', 'MOTS20-11')
"""The sequences with truth: 2,862 frames, 26,894 pedestrians."""
MOTS_CHALLENGE_TEST = ('MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12')
"""Those that the benchmark's server judges."""


def leave_one_out(sequences: Sequence[str]) -> dict[str, tuple[list[str], str]]:
    """The folds of cross-validation: one sequence is tested, the others train.

    Args:
        sequences: All of them.

    Returns:
        Name of the sequence that is left out to (training sequences, itself).

    Raises:
        DataError: Fewer than two sequences, or one twice.
    """
    twice = [name for name in sequences if list(sequences).count(name) > 1]
    if twice:
        raise DataError(f'{twice[0]}: this sequence is named twice')
    if len(sequences) < 2:
        raise DataError(f'{list(sequences)}: one sequence cannot be left out of one')
    return {
        one: ([other for other in sequences if other != one], one) for one in sequences
    }


def convert_mots_challenge(
    root: str | Path,
    sequences: Sequence[str] = MOTS_CHALLENGE_TRAIN,
    classes: dict[int, str] | None = None,
    truth: bool = True,
    allow_gaps: bool = False,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
    report: Report = refuse,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Args:
        root: Folder of the sequences; ``file_name`` is relative to it.
        sequences: Their names.
        classes: Class number to name; 2 is pedestrian by default.
        truth: Read ``gt/gt.txt``; a test set has none.
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
    classes = dict(MOTS_CHALLENGE_CLASSES if classes is None else classes)

    def find(name: str) -> FrameSequence:
        folder = root / name / 'img1'
        frames = numbered_files(folder, FRAME_SUFFIXES, report)
        check_gaps(frames, folder, allow_gaps, stride, report)
        try:
            _check_seqinfo(root / name / 'seqinfo.ini', frames, allow_gaps)
        except DataError as error:
            report(error)
        masks = no_masks
        if truth:
            path = root / name / 'gt' / 'gt.txt'
            masks = masks_of_txt(path, classes, frames, report)
        return FrameSequence(name, frames, f'{name}/img1', masks)

    description = f'{len(sequences)} sequences in MOTSChallenge layout'
    return convert_sequences(
        sequences, find, classes, description, stride, check_pixels, progress, report
    )


def _check_seqinfo(path: Path, frames: dict[int, Path], allow_gaps: bool) -> None:
    """Its frame count and size agree with the pictures."""
    parser = configparser.ConfigParser()
    if not path.is_file():
        raise DataError(f'{path}: is missing; fetch it again')
    try:
        parser.read_string(path.read_text(encoding='utf-8-sig'))
        section = parser['Sequence']
        length, width, height = (
            section.getint(key) for key in ('seqLength', 'imWidth', 'imHeight')
        )
    except (OSError, configparser.Error, KeyError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f'{path}: cannot be read ({reason}); fetch it again') from error
    if None in (length, width, height):
        raise DataError(
            f'{path}: has no seqLength, imWidth or imHeight in [Sequence]; add them'
        )
    if not frames:
        return
    if len(frames) != length and not allow_gaps:
        folder = next(iter(frames.values())).parent
        raise DataError(
            f'{path}: seqLength is {length}, but {folder} has {len(frames)} frames; '
            'fetch them again, or accept it with --allow-gaps'
        )
    first = next(iter(frames.values()))
    if frame_size(first, check_pixels=False) != (height, width):
        found = frame_size(first, check_pixels=False)
        raise DataError(
            f'{path}: says {width} x {height}, but {first.name} is '
            f'{found[1]} x {found[0]}; fetch both again'
        )
