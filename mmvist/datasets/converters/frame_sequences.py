"""What data sets of numbered frames with masks have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mmvist.datasets.converters.cocovid import (
    IGNORE_CLASS,
    CocoVidBuilder,
    Progress,
    no_progress,
)
from mmvist.datasets.converters.frames import frame_size
from mmvist.datasets.converters.mots_txt import read_mots_txt
from mmvist.datasets.errors import DataError, Report, refuse


class FrameMask(NamedTuple):
    """One mask of a frame.

    Attributes:
        category_id: Class number, or ``IGNORE_CLASS``.
        instance: What names the instance within its sequence.
        rle: Compressed COCO run-length code, ``counts`` as bytes.
        ignore: A region that is not judged, of this class.
    """

    category_id: int
    instance: object
    rle: dict
    ignore: bool = False


Masks = Callable[[int, tuple[int, int]], Iterable[FrameMask]]
"""Frame number and (height, width) to the masks of that frame."""


def no_masks(number: int, size: tuple[int, int]) -> Iterable[FrameMask]:
    """Those of a benchmark's test set, whose truth is not public."""
    return ()


@dataclass
class FrameSequence:
    """A sequence whose files were found.

    Attributes:
        name: Of the video.
        frames: Pictures by frame number, in order.
        prefix: What comes before a picture's name in ``file_name``.
        masks: Reads the instances of a frame.
    """

    name: str
    frames: dict[int, Path]
    prefix: str
    masks: Masks


def convert_sequences(
    sequences: Iterable[str],
    find: Callable[[str], FrameSequence],
    classes: dict[int, str],
    description: str,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
    report: Report = refuse,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Args:
        sequences: Their names.
        find: Finds the files of one.
        classes: Class number to name.
        description: What the data is.
        stride: Distance between the numbers of neighbours, whose ``frame_id`` are
            consecutive.
        check_pixels: Decode every frame to find damaged files.
        progress: Wraps the loop over the sequences.
        report: Takes each thing that is wrong; by default the first is raised.
            Where it returns, the rest is read.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    if IGNORE_CLASS in classes:
        raise DataError(
            f'class {IGNORE_CLASS} ({classes[IGNORE_CLASS]!r}) is taken: a mask '
            f'value of {IGNORE_CLASS}000 means a region that is not judged'
        )
    builder = CocoVidBuilder(classes, description)
    for name in progress(sequences):
        try:
            sequence = find(name)
        except DataError as error:
            report(error)
            continue
        if sequence.frames:
            _add_sequence(builder, sequence, stride, check_pixels, report)
    return builder.build()


def _add_sequence(
    builder: CocoVidBuilder,
    sequence: FrameSequence,
    stride: int,
    check_pixels: bool,
    report: Report,
) -> None:
    first = next(iter(sequence.frames))
    sizes: dict[int, tuple[int, int]] = {}
    for number, frame in sequence.frames.items():
        try:
            sizes[number] = frame_size(frame, check_pixels)
        except DataError as error:
            report(error)
    if not sizes:
        return
    reference, size = next(iter(sizes.items()))
    video_id = builder.add_video(sequence.name, size, len(sequence.frames))
    for number, found in sizes.items():
        frame = sequence.frames[number]
        if found != size:
            report(
                DataError(
                    f'{frame}: is {found[1]} x {found[0]}, but '
                    f'{sequence.frames[reference].name} of the same sequence is '
                    f'{size[1]} x {size[0]}; make both one size'
                )
            )
            continue
        image_id = builder.add_frame(
            video_id, (number - first) // stride, f'{sequence.prefix}/{frame.name}'
        )
        try:
            for category_id, instance, rle, ignore in sequence.masks(number, size):
                ignore = ignore or category_id == IGNORE_CLASS
                builder.add_instance(image_id, category_id, instance, rle, ignore)
        except DataError as error:
            report(error)


def masks_of_txt(
    path: Path,
    classes: dict[int, str],
    frames: dict[int, Path],
    report: Report = refuse,
) -> Masks:
    """The masks of a txt file.

    Args:
        path: The file.
        classes: Class number to name.
        frames: Pictures by frame number.
        report: Hears when a line is wrong, or of a frame without a picture; later,
            of another size than its picture.
    """
    found = read_mots_txt(path, classes, report=report)
    for number, instances in found.items():
        if frames and number not in frames:
            folder = next(iter(frames.values())).parent
            report(
                DataError(
                    f'{path}:{instances[0].line}: has no frame {number:06} in {folder};'
                    ' add the frame or remove the line'
                )
            )

    def masks(number: int, size: tuple[int, int]) -> Iterable[FrameMask]:
        for one in found.get(number, []):
            height, width = one.rle['size']
            if (height, width) != size:
                report(
                    DataError(
                        f'{path}:{one.line}: is {width} x {height}, but its frame is '
                        f'{size[1]} x {size[0]}; make both one size'
                    )
                )
                continue
            yield FrameMask(one.category_id, one.value, one.rle)

    return masks
