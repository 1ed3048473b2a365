"""Everything that is wrong with a data set on the disk.

Folders go through the readers of :mod:`mmvist.datasets.converters`, which here go
on after what they would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mmvist.datasets.converters import (
    convert_kitti_mots,
    convert_mots_challenge,
    convert_png_folders,
    sequences_of_split,
)
from mmvist.datasets.converters.cocovid import Progress, no_progress, read_json
from mmvist.datasets.converters.frames import frame_size
from mmvist.datasets.converters.png_folders import Labels, check_labels
from mmvist.datasets.errors import DataError

from .annotations import FIELDS, AnnotationCheck
from .finding import ERROR, NOTE, OK, Finding

Convert = Callable[..., dict]


def examine_data(
    path: Path,
    images: Path | None = None,
    classes: dict[int, str] | None = None,
    labels: Labels | None = None,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
) -> list[Finding]:
    """Look at a data set.

    Args:
        path: A CocoVID-style json, or a folder in the layout of KITTI MOTS, of
            MOTSChallenge, or of frames with indexed masks.
        images: Folder that the ``file_name`` of a json are relative to.
        classes: Class number to name, for the first two layouts.
        labels: The class of each instance, for indexed masks, as their converter
            takes it; without it all are of one class.
        stride: Distance between the numbers of neighbours in a folder.
        check_pixels: Decode every frame; otherwise only its header is read.
        progress: Wraps the loop over frames or sequences.

    Returns:
        All findings; the last is what there is in all.

    Raises:
        DataError: There is nothing of that name, or a layout that is not known.
    """
    if path.is_dir():
        layout = partial(_layout, path, classes, labels)
        return _examine_folder(path, layout, stride, check_pixels, progress)
    if not path.exists():
        raise DataError(f'{path}: no such file or folder')
    return _examine_json(path, images, check_pixels, progress)


def _examine_json(
    path: Path, images: Path | None, check_pixels: bool, progress: Progress
) -> list[Finding]:
    findings: list[Finding] = []

    def say(level: str, text: str) -> None:
        findings.append(Finding(level, text))

    try:
        content = read_json(path, 'CocoVID-style annotation file')
    except DataError as error:
        return [Finding(ERROR, str(error))]
    misfit = _other_format(content)
    if misfit:
        return [Finding(ERROR, f'{path}: {misfit}')]
    check = AnnotationCheck(content, str(path), say)
    check.check_frames()
    check.check_videos()
    check.check_instances()
    check.check_sizes()
    if images is None:
        say(NOTE, f'{path}: its frames were not looked at; add --images FOLDER')
    else:
        _check_images(check, images, check_pixels, progress)
    say(OK, f'{path}: {check.summary()}')
    return findings


def _other_format(content: dict[str, Any]) -> str | None:
    absent = [key for key in FIELDS if not isinstance(content.get(key), list)]
    if not absent:
        return None
    videos = content.get('videos') or []
    if videos and isinstance(videos[0], dict) and 'file_names' in videos[0]:
        return (
            'is a YouTube-VIS file; run `python '
            'tools/dataset_converters/youtubevis2coco.py IN OUT` first'
        )
    if absent == ['videos']:
        return (
            'has no videos: a COCO file of single pictures, as MMDetection takes it to '
            'train a detector; only files of videos are looked at here'
        )
    return (
        f'has no {absent[0]}; it is no CocoVID-style file: make one with a script of '
        'tools/dataset_converters'
    )


def _check_images(
    check: AnnotationCheck, images: Path, check_pixels: bool, progress: Progress
) -> None:
    frames = list(check.frames.values())
    missing = [one for one in frames if not (images / one.file_name).is_file()]
    if frames and len(missing) == len(frames):
        check.say(
            ERROR,
            f'{images}: none of the {len(frames)} frames is there, such as '
            f'{frames[0].file_name}; name their folder with --images',
        )
        return
    for frame in progress(frames):
        path = images / frame.file_name
        if not path.is_file():
            check.say(ERROR, f'{path}: is missing; fetch it or remove its entry')
            continue
        try:
            height, width = frame_size(path, check_pixels)
        except DataError as error:
            check.say(ERROR, str(error))
            continue
        if (height, width) != (frame.height, frame.width):
            check.say(
                ERROR,
                f'{path}: is {width} x {height}, but its entry says {frame.width} x '
                f'{frame.height}; convert the data again',
            )


def _examine_folder(
    root: Path, layout: Callable, stride: int, check_pixels: bool, progress: Progress
) -> list[Finding]:
    findings: list[Finding] = []
    title, sequences, convert = layout(findings)
    content = convert(
        sequences=sequences,
        stride=stride,
        check_pixels=check_pixels,
        progress=progress,
        report=lambda error: findings.append(Finding(ERROR, str(error))),
    )

    def say(level: str, text: str) -> None:
        findings.append(Finding(level, text))

    check = AnnotationCheck(content, str(root), say)
    check.check_videos(gaps=False)
    check.check_instances()
    check.check_sizes()
    say(OK, f'{root}, {title}: {check.summary()}')
    return findings


def _layout(
    root: Path,
    classes: dict[int, str] | None,
    labels: Labels | None,
    findings: list[Finding],
) -> tuple[str, list[str], Convert]:
    """Name of the layout, its sequences and what reads them."""
    frames = root / 'training' / 'image_02'
    if frames.is_dir():
        masks = 'instances' if (root / 'instances').is_dir() else 'instances_txt'
        convert = partial(convert_kitti_mots, root, classes=classes, instances=masks)
        names = sequences_of_split(root, 'all', frames)
        findings += _orphans(root / masks, frames, names)
        return 'KITTI MOTS', names, convert
    names = sorted(folder.parent.name for folder in root.glob('*/img1'))
    if names:
        convert = partial(convert_mots_challenge, root, classes=classes)
        return 'MOTSChallenge', names, convert
    for sub in ('', '480p', 'Full-Resolution'):  # the last two are of DAVIS
        places = [Path(kind, sub) for kind in ('JPEGImages', 'Annotations')]
        if all((root / place).is_dir() for place in places) and (
            sub or not _has_resolutions(root / places[0])
        ):
            convert = partial(
                convert_png_folders,
                root,
                classes=_names(labels),
                labels=labels,
                frames=str(places[0]),
                masks=str(places[1]),
            )
            names = sequences_of_split(root, 'all', root / places[0])
            findings += _orphans(root / places[1], root / places[0], names)
            return 'indexed masks', names, convert
    raise DataError(
        f'{root}: is in no layout that is known: KITTI MOTS (training/image_02, '
        'instances), MOTSChallenge (SEQ/img1, SEQ/gt/gt.txt), indexed masks '
        '(JPEGImages, Annotations); rename its folders, or convert it with a script of '
        'tools/dataset_converters and give the json'
    )


def _names(labels: Labels | None) -> list[str]:
    if labels is None:
        return ['object']
    check_labels(labels)
    return sorted({name for found in labels.values() for name in found.values()})


def _has_resolutions(frames: Path) -> bool:
    return any((frames / name).is_dir() for name in ('480p', 'Full-Resolution'))


def _orphans(masks: Path, frames: Path, names: Sequence[str]) -> list[Finding]:
    """Masks of sequences that have no frames."""
    found = sorted(one.stem for one in masks.glob('*') if not one.name.startswith('.'))
    return [
        Finding(ERROR, f'{masks / name}: has no frames in {frames}; add or remove it')
        for name in found
        if name not in names
    ]
