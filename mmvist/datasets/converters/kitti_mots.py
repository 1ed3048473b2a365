"""KITTI MOTS layout (png annotations) to a CocoVID-style dict.

A pixel of ``instances/SSSS/FFFFFF.png`` (16 bit) is class * 1000 + instance, 0
background, 10000 a region that is not judged. Frames are png or jpg.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmvist.datasets.converters.cocovid import (
    IGNORE_CLASS,
    CocoVidBuilder,
    Progress,
    encode_mask,
    no_progress,
)
from mmvist.datasets.errors import DataError

KITTI_MOTS_CLASSES = {1: 'car', 2: 'pedestrian'}
FRAME_SUFFIXES = ('.png', '.jpg', '.jpeg')


def convert_kitti_mots(
    root: str | Path,
    sequences: Sequence[str],
    classes: dict[int, str] | None = None,
    frames: str = 'training/image_02',
    instances: str = 'instances',
    allow_gaps: bool = False,
    check_pixels: bool = True,
    progress: Progress = no_progress,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Args:
        root: The data set.
        sequences: Names of folders under ``frames`` and ``instances``.
        classes: Class number to name; car and pedestrian by default.
        frames: Folder of the sequences' frames, relative to ``root``. It becomes
            the image prefix: ``file_name`` is relative to it.
        instances: Folder of the sequences' masks, relative to ``root``.
        allow_gaps: Accept missing frames within a sequence; ``frame_id`` then
            jumps over them.
        check_pixels: Decode every frame to find damaged files; otherwise only
            its header is read.
        progress: Wraps the loop over the sequences.

    Returns:
        ``info``, ``videos``, ``images``, ``annotations`` and ``categories``.
        Instance ids count from 1 over the whole dict; ignore regions have
        ``ignore`` and ``iscrowd`` set and category 10.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    root = Path(root)
    classes = dict(KITTI_MOTS_CLASSES if classes is None else classes)
    if IGNORE_CLASS in classes:
        raise DataError(
            f'class {IGNORE_CLASS} ({classes[IGNORE_CLASS]!r}) is taken: a mask '
            f'value of {IGNORE_CLASS}000 means a region that is not judged'
        )
    builder = CocoVidBuilder(classes, f'{len(sequences)} sequences in MOTS layout')
    for name in progress(sequences):
        pairs = _pair_files(root / frames / name, root / instances / name, allow_gaps)
        first, (first_frame, _) = pairs[0]
        size = _frame_size(first_frame, check_pixels=False)
        video_id = builder.add_video(name, size, len(pairs))
        for number, (frame, mask) in pairs:
            found = _frame_size(frame, check_pixels)
            if found != size:
                raise DataError(
                    f'{frame}: is {found[1]} x {found[0]}, but {first_frame.name} '
                    f'of the same sequence is {size[1]} x {size[0]}'
                )
            image_id = builder.add_frame(
                video_id, number - first, f'{name}/{frame.name}'
            )
            pixels = read_instance_png(mask, classes)
            if pixels.shape != size:
                raise DataError(
                    f'{mask}: is {pixels.shape[1]} x {pixels.shape[0]}, but its '
                    f'frame is {size[1]} x {size[0]}'
                )
            for value in np.unique(pixels[pixels > 0]).tolist():
                rle = encode_mask(pixels == value)
                builder.add_instance(image_id, value // 1000, value, rle)
    return builder.build()


def read_instance_png(path: Path, classes: dict[int, str]) -> np.ndarray:
    """Read the ids of one frame.

    Args:
        path: A 16-bit png of class * 1000 + instance.
        classes: Class number to name.

    Returns:
        (H, W) int32; all ignore regions as 10000.

    Raises:
        DataError: If it cannot be read or holds a class that is not listed.
    """
    try:
        with Image.open(path) as image:
            bands = image.getbands()
            pixels = np.array(image).astype(np.int32)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f'{path}: cannot be read as a mask ({error}); fetch it again'
        ) from error
    if len(bands) != 1:
        raise DataError(
            f'{path}: has {len(bands)} channels; a mask is one of 16 bits '
            '(class * 1000 + instance)'
        )
    pixels[pixels // 1000 == IGNORE_CLASS] = IGNORE_CLASS * 1000
    for value in np.unique(pixels).tolist():
        if value and value // 1000 not in classes and value // 1000 != IGNORE_CLASS:
            raise DataError(
                f'{path}: value {value} is of class {value // 1000}, which is none '
                f'of {classes}; name it with --classes'
            )
    return pixels


def _pair_files(
    frames: Path, masks: Path, allow_gaps: bool
) -> list[tuple[int, tuple[Path, Path]]]:
    """Frame number, frame and mask of a sequence, in order, all complete."""
    frame_of = _numbered(frames, FRAME_SUFFIXES)
    mask_of = _numbered(masks, ('.png',))
    for number in sorted(set(frame_of) | set(mask_of)):
        if number not in mask_of:
            raise DataError(
                f'{frame_of[number]}: has no mask {masks.name}/{number:06}.png in '
                f'{masks.parent}; add it (all 0 if nothing is there)'
            )
        if number not in frame_of:
            raise DataError(
                f'{mask_of[number]}: has no frame {number:06} in {frames}; add the '
                'frame or remove the mask'
            )
    numbers = sorted(frame_of)
    for before, after in zip(numbers, numbers[1:], strict=False):
        if after != before + 1 and not allow_gaps:
            raise DataError(
                f'{frames}: frame {before + 1:06} is missing; add it, or accept '
                'the gap with --allow-gaps'
            )
    return [(n, (frame_of[n], mask_of[n])) for n in numbers]


def _numbered(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """Files of a sequence by frame number."""
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
    return files


def _frame_size(path: Path, check_pixels: bool) -> tuple[int, int]:
    """(height, width) of a frame."""
    try:
        with Image.open(path) as image:
            if check_pixels:
                image.load()
            return image.height, image.width
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f'{path}: cannot be read as an image ({error}); fetch it again'
        ) from error
