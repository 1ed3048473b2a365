"""KITTI MOTS layout to a CocoVID-style dict.

A pixel of ``instances/SSSS/FFFFFF.png`` (16 bit) is class * 1000 + instance, 0
background, 10000 a region that is not judged; or ``instances_txt/SSSS.txt`` says the
same in lines. Frames are png or jpg.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mmvist.datasets.converters.cocovid import (
    IGNORE_CLASS,
    Progress,
    encode_mask,
    no_progress,
)
from mmvist.datasets.converters.frame_sequences import (
    FrameMask,
    FrameSequence,
    Masks,
    convert_sequences,
    masks_of_txt,
    no_masks,
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

KITTI_MOTS_CLASSES = {1: 'car', 2: 'pedestrian'}


def convert_kitti_mots(
    root: str | Path,
    sequences: Sequence[str],
    classes: dict[int, str] | None = None,
    frames: str = 'training/image_02',
    instances: str | None = 'instances',
    allow_gaps: bool = False,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
    report: Report = refuse,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Args:
        root: The data set.
        sequences: Names of folders under ``frames`` and ``instances``.
        classes: Class number to name; car and pedestrian by default.
        frames: Folder of the sequences' frames, relative to ``root``. It becomes
            the image prefix: ``file_name`` is relative to it.
        instances: Folder of the sequences' masks, relative to ``root``: of each a
            folder of pngs, or where there is ``NAME.txt`` that file. None for a test
            set without public truth.
        allow_gaps: Accept missing frames within a sequence; ``frame_id`` then
            jumps over them.
        stride: Distance between the numbers of neighbours: 5 where only every fifth
            frame is there, so that the others are no gaps.
        check_pixels: Decode every frame to find damaged files; otherwise only
            its header is read.
        progress: Wraps the loop over the sequences.
        report: As of ``convert_sequences``.

    Returns:
        ``info``, ``videos``, ``images``, ``annotations`` and ``categories``.
        Instance ids count from 1 over the whole dict; ignore regions have
        ``ignore`` and ``iscrowd`` set and category 10.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    root = Path(root)
    classes = dict(KITTI_MOTS_CLASSES if classes is None else classes)

    def find(name: str) -> FrameSequence:
        folder = root / frames / name
        frame_of = numbered_files(folder, FRAME_SUFFIXES, report)
        if instances is None:
            check_gaps(frame_of, folder, allow_gaps, stride, report)
            return FrameSequence(name, frame_of, name, no_masks)
        txt = root / instances / f'{name}.txt'
        if txt.is_file():
            masks = masks_of_txt(txt, classes, frame_of, report)
        elif not txt.with_suffix('').is_dir():
            raise DataError(
                f'{root / instances}: has neither a folder {name} of masks nor a file '
                f'{txt.name}; check root and split'
            )
        else:
            folder_of_masks = root / instances / name
            masks = _masks_of_pngs(folder_of_masks, classes, frame_of, report)
        check_gaps(frame_of, folder, allow_gaps, stride, report)
        return FrameSequence(name, frame_of, name, masks)

    description = f'{len(sequences)} sequences in MOTS layout'
    return convert_sequences(
        sequences, find, classes, description, stride, check_pixels, progress, report
    )


def _masks_of_pngs(
    folder: Path, classes: dict[int, str], frames: dict[int, Path], report: Report
) -> Masks:
    """The masks of a folder that has one png for each frame."""
    mask_of = paired_files(frames, folder, report)

    def masks(number: int, size: tuple[int, int]) -> Iterable[FrameMask]:
        if number not in mask_of:
            return ()
        return read_instances(mask_of[number], classes, size, report)

    return masks


def read_instances(
    path: Path,
    classes: dict[int, str],
    size: tuple[int, int],
    report: Report = refuse,
) -> Iterator[FrameMask]:
    """Read the masks of one frame.

    Args:
        path: A 16-bit png of class * 1000 + instance.
        classes: Class number to name.
        size: (height, width) of the frame.
        report: As of :func:`read_instance_png`.

    Yields:
        Instances and the ignore region by ascending value, which names them.

    Raises:
        DataError: As :func:`read_instance_png`, or it is of another size.
    """
    pixels = read_instance_png(path, classes, report)
    check_mask_size(path, pixels, size)
    for value in np.unique(pixels[pixels > 0]).tolist():
        yield FrameMask(value // 1000, value, encode_mask(pixels == value))


def read_instance_png(
    path: Path, classes: dict[int, str], report: Report = refuse
) -> np.ndarray:
    """Read the ids of one frame.

    Args:
        path: A 16-bit png of class * 1000 + instance.
        classes: Class number to name.
        report: Hears of each value whose class is not listed; where it returns, the
            value becomes background.

    Returns:
        (H, W) int32; all ignore regions as 10000.

    Raises:
        DataError: If it cannot be read.
    """
    pixels = read_one_channel(
        path, 'a mask is one of 16 bits (class * 1000 + instance)'
    )
    pixels[pixels // 1000 == IGNORE_CLASS] = IGNORE_CLASS * 1000
    for value in np.unique(pixels).tolist():
        if value and value // 1000 not in classes and value // 1000 != IGNORE_CLASS:
            report(
                DataError(
                    f'{path}: value {value} is of class {value // 1000}, which is none '
                    f'of {classes}; name it with --classes'
                )
            )
            pixels[pixels == value] = 0
    return pixels
