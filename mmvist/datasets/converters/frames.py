"""The pictures of a sequence: numbered, whole, of one size."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from mmvist.datasets.errors import DataError, Report, refuse

FRAME_SUFFIXES = ('.png', '.jpg', '.jpeg')


def check_gaps(
    numbers: Iterable[int], folder: Path, allow_gaps: bool, report: Report = refuse
) -> None:
    """Find missing frames.

    Args:
        numbers: Frame numbers that are there.
        folder: Where, for the message.
        allow_gaps: Accept everything.
        report: Takes each gap as a :class:`DataError`.
    """
    if allow_gaps:
        return
    numbers = sorted(numbers)
    for before, after in zip(numbers, numbers[1:], strict=False):
        if after != before + 1:
            report(
                DataError(
                    f'{folder}: {missing_frames(before, after)} missing; add it, or '
                    'accept the gap with --allow-gaps'
                )
            )


def missing_frames(before: int, after: int) -> str:
    """The frames between two as the subject of a sentence.

    Examples:
        >>> missing_frames(1, 3), missing_frames(1, 5)
        ('frame 000002 is', 'frames 000002 to 000004 are')
    """
    if after == before + 2:
        return f'frame {before + 1:06} is'
    return f'frames {before + 1:06} to {after - 1:06} are'


def numbered_files(
    folder: Path, suffixes: tuple[str, ...], report: Report = refuse
) -> dict[int, Path]:
    """Files of a sequence by frame number, in order.

    ``report`` hears when the folder is missing or empty, a name is no number, or two
    files are of one number.
    """
    if not folder.is_dir():
        report(DataError(f'{folder}: no such sequence folder; check root and split'))
        return {}
    files: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith('.'):
            continue
        if not path.stem.isdecimal():
            report(DataError(f'{path}: its name is no frame number; rename it'))
        elif int(path.stem) in files:
            other = files[int(path.stem)].name
            report(DataError(f'{path}: the same frame as {other}; keep one'))
        else:
            files[int(path.stem)] = path
    if not files:
        report(DataError(f'{folder}: is empty; remove the sequence or add its files'))
    return dict(sorted(files.items()))


def paired_files(
    frames: dict[int, Path], folder: Path, report: Report = refuse
) -> dict[int, Path]:
    """The masks of a folder that has one png for each frame, by frame number.

    ``report`` hears when a frame has no mask, or a mask no frame.
    """
    mask_of = numbered_files(folder, ('.png',), report)
    if not mask_of or not frames:
        return {}
    for number in sorted(set(frames) | set(mask_of)):
        if number not in mask_of:
            report(
                DataError(
                    f'{frames[number]}: has no mask {folder.name}/'
                    f'{frames[number].stem}.png in {folder.parent}; add it (all 0 if '
                    'nothing is there)'
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
