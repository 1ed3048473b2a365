"""The pictures of a sequence: numbered, whole, of one size."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from mmvist.datasets.errors import DataError

FRAME_SUFFIXES = ('.png', '.jpg', '.jpeg')


def check_gaps(numbers: Iterable[int], folder: Path, allow_gaps: bool) -> None:
    """Refuse a missing frame.

    Args:
        numbers: Frame numbers that are there.
        folder: Where, for the message.
        allow_gaps: Accept everything.

    Raises:
        DataError: A number between two others is missing.
    """
    numbers = sorted(numbers)
    for before, after in zip(numbers, numbers[1:], strict=False):
        if after != before + 1 and not allow_gaps:
            raise DataError(
                f'{folder}: frame {before + 1:06} is missing; add it, or accept '
                'the gap with --allow-gaps'
            )


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
    folder: Path, suffixes: tuple[str, ...], prefixed: bool = False
) -> dict[int, Path]:
    """Files of a sequence by frame number, in order.

    Args:
        folder: Where they are.
        suffixes: Endings of their names; other files are passed over.
        prefixed: As of :func:`frame_number`.

    Raises:
        DataError: The folder is missing or empty, a name is no number, or two files
            are of one number.
    """
    if not folder.is_dir():
        raise DataError(f'{folder}: no such sequence folder; check root and split')
    files: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith('.'):
            continue
        number = frame_number(path.stem, prefixed)
        if number is None:
            raise DataError(f'{path}: its name is no frame number; rename it')
        if number in files:
            raise DataError(f'{path}: the same frame as {files[number].name}; keep one')
        files[number] = path
    if not files:
        raise DataError(f'{folder}: is empty; remove the sequence or add its files')
    return dict(sorted(files.items()))


def paired_files(
    frames: dict[int, Path],
    folder: Path,
    suffix: str = '.png',
    empty: str = 'all 0',
    prefixed: bool = False,
) -> dict[int, Path]:
    """The masks of a folder that has one file for each frame, by frame number.

    Args:
        frames: Pictures by frame number.
        folder: Of the masks.
        suffix: Ending of their names.
        empty: What the file of a frame without instances is, for the message.
        prefixed: As of :func:`frame_number`.

    Raises:
        DataError: A frame has no mask, or a mask no frame.
    """
    mask_of = numbered_files(folder, (suffix,), prefixed)
    for number in sorted(set(frames) | set(mask_of)):
        if number not in mask_of:
            raise DataError(
                f'{frames[number]}: has no mask {folder.name}/'
                f'{frames[number].stem}{suffix} in {folder.parent}; add it ({empty} '
                'if nothing is there)'
            )
        if number not in frames:
            pictures = next(iter(frames.values())).parent
            raise DataError(
                f'{mask_of[number]}: has no frame {mask_of[number].stem} in '
                f'{pictures}; add the frame or remove the mask'
            )
    return mask_of


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
    except (OSError, SyntaxError, ValueError) as error:
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
    except (OSError, SyntaxError, ValueError) as error:
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
            f'{size[1]} x {size[0]}'
        )
