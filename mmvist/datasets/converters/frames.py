"""The pictures of a sequence: numbered, whole, of one size."""

from collections.abc import Iterable
from pathlib import Path

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


def numbered_files(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """Files of a sequence by frame number, in order.

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
        if not path.stem.isdecimal():
            raise DataError(f'{path}: its name is no frame number; rename it')
        if int(path.stem) in files:
            raise DataError(
                f'{path}: the same frame as {files[int(path.stem)].name}; keep one'
            )
        files[int(path.stem)] = path
    if not files:
        raise DataError(f'{folder}: is empty; remove the sequence or add its files')
    return dict(sorted(files.items()))


def paired_files(frames: dict[int, Path], folder: Path) -> dict[int, Path]:
    """The masks of a folder that has one png for each frame, by frame number.

    Raises:
        DataError: A frame has no mask, or a mask no frame.
    """
    mask_of = numbered_files(folder, ('.png',))
    for number in sorted(set(frames) | set(mask_of)):
        if number not in mask_of:
            raise DataError(
                f'{frames[number]}: has no mask {folder.name}/'
                f'{frames[number].stem}.png in {folder.parent}; add it (all 0 if '
                'nothing is there)'
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
