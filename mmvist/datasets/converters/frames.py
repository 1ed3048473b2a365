"""The pictures of a sequence: numbered, whole, of one size."""

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from mmvist.datasets.errors import DataError, Report, refuse

FRAME_SUFFIXES = ('.png', '.jpg', '.jpeg')


def check_gaps(
    numbers: Iterable[int],
    folder: Path,
    allow_gaps: bool,
    stride: int = 1,
    report: Report = refuse,
) -> None:
    """Find missing frames.

    Args:
        numbers: Frame numbers that are there.
        folder: Where, for the message.
        allow_gaps: Accept missing frames.
        stride: Distance between the numbers of neighbours.
        report: Takes each gap as a :class:`DataError`, and each frame that lies
            between two neighbours.
    """
    numbers = sorted(numbers)
    distances = {after - before for before, after in pairwise(numbers)}
    hint = ''
    if stride == 1 and len(distances) == 1 and len(numbers) > 2:
        every = min(distances)
        hint = f'; if no others are annotated, say --stride {every}'
    for before, after in pairwise(numbers):
        if (after - before) % stride:
            report(
                DataError(
                    f'{folder}: frames {before:06} and {after:06} are not {stride} '
                    'frames apart, nor a multiple of it; correct --stride'
                )
            )
        elif after - before > stride and not allow_gaps:
            report(
                DataError(
                    f'{folder}: {missing_frames(before, after, stride)} missing; add '
                    f'it, or accept the gap with --allow-gaps{hint}'
                )
            )


def missing_frames(before: int, after: int, stride: int = 1) -> str:
    """The frames between two as the subject of a sentence.

    Examples:
        >>> missing_frames(1, 3), missing_frames(1, 5)
        ('frame 000002 is', 'frames 000002 to 000004 are')
    """
    first, last = before + stride, after - stride
    if first == last:
        return f'frame {first:06} is'
    return f'frames {first:06} to {last:06} are'


def frame_number(stem: str, prefixed: bool = False) -> int | None:
    """Number of a frame from its name.

    Args:
        stem: Name without its ending.
        prefixed: The name may have text before the number (``frame_000012``).
    """
    pattern = r'(?:.*\D)?(\d+)' if prefixed else r'(\d+)'
    found = re.fullmatch(pattern, stem, re.ASCII)
    return int(found.group(1)) if found else None


def numbered_files(
    folder: Path,
    suffixes: tuple[str, ...],
    report: Report = refuse,
    prefixed: bool = False,
) -> dict[int, Path]:
    """Files of a sequence by frame number, in order.

    Args:
        folder: Where they are.
        suffixes: Endings of their names; other files are passed over.
        report: Hears when the folder is missing or empty, a name is no number, or
            two files are of one number.
        prefixed: As of :func:`frame_number`.
    """
    if not folder.is_dir():
        report(DataError(f'{folder}: no such sequence folder; check root and split'))
        return {}
    files: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith('.'):
            continue
        number = frame_number(path.stem, prefixed)
        if number is None:
            report(DataError(f'{path}: its name is no frame number; rename it'))
        elif number in files:
            other = files[number].name
            report(DataError(f'{path}: the same frame as {other}; keep one'))
        else:
            files[number] = path
    if not files:
        report(DataError(f'{folder}: is empty; remove the sequence or add its files'))
    return dict(sorted(files.items()))


def paired_files(
    frames: dict[int, Path],
    folder: Path,
    report: Report = refuse,
    suffix: str = '.png',
    empty: str = 'all 0',
    prefixed: bool = False,
) -> dict[int, Path]:
    """The masks of a folder that has one file for each frame, by frame number.

    Args:
        frames: Pictures by frame number.
        folder: Of the masks.
        report: Hears when a frame has no mask, or a mask no frame.
        suffix: Ending of their names.
        empty: What the file of a frame without instances is, for the message.
        prefixed: As of :func:`frame_number`.
    """
    mask_of = numbered_files(folder, (suffix,), report, prefixed)
    if not mask_of or not frames:
        return {}
    for number in sorted(set(frames) | set(mask_of)):
        if number not in mask_of:
            report(
                DataError(
                    f'{frames[number]}: has no mask {folder.name}/'
                    f'{frames[number].stem}{suffix} in {folder.parent}; add it '
                    f'({empty} if nothing is there)'
                )
            )
        if number not in frames:
            pictures = next(iter(frames.values())).parent
            report(
                DataError(
                    f'{mask_of[number]}: has no frame {mask_of[number].stem} in '
                    f'{pictures}; add the frame or remove the mask'
                )
            )
    return mask_of


_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises of a file that is no picture, or pretends to be a huge one."""


def frame_size(path: Path, check_pixels: bool) -> tuple[int, int]:
    """(height, width) of a frame.

    Args:
        path: A picture.
        check_pixels: Decode it; otherwise only its header is read.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with Image.open(path) as image:
            if check_pixels:
                image.load()
            return image.height, image.width
    except _UNREADABLE as error:
        raise DataError(
            f'{path}: cannot be read as an image ({error}); fetch it again'
        ) from error


def read_one_channel(path: Path, kind: str) -> np.ndarray:
    """The pixels of a mask.

    Args:
        path: A picture of one channel.
        kind: What such a mask has, for the message.

    Returns:
        (H, W) int32.

    Raises:
        DataError: It cannot be read, or has colours.
    """
    try:
        with Image.open(path) as image:
            bands, pixels = image.getbands(), np.array(image)
    except _UNREADABLE as error:
        raise DataError(
            f'{path}: cannot be read as a mask ({error}); fetch it again'
        ) from error
    if len(bands) != 1:
        raise DataError(f'{path}: has {len(bands)} channels; {kind}')
    return pixels.astype(np.int32)


def check_mask_size(path: Path, pixels: np.ndarray, size: tuple[int, int]) -> None:
    """Refuse a mask that is not of its frame's (height, width) ``size``."""
    if pixels.shape != size:
        raise DataError(
            f'{path}: is {pixels.shape[1]} x {pixels.shape[0]}, but its frame is '
            f'{size[1]} x {size[0]}; make both one size'
        )
