"""COCO json of the frames of a sequence: one for each frame, or one for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mmvist.datasets.converters.cocovid import check_entries, read_json
from mmvist.datasets.converters.frames import frame_number
from mmvist.datasets.errors import DataError


@dataclass
class CocoImage:
    """What a COCO json says of one image.

    Attributes:
        path: The json.
        classes: Category id to name.
        image: Its entry in ``images``.
        annotations: Those of the image.
    """

    path: Path
    classes: dict[int, str]
    image: dict[str, Any]
    annotations: list[dict[str, Any]]


def read_coco(path: Path) -> list[CocoImage]:
    """Read a COCO json, image by image.

    Raises:
        DataError: It is none, or an annotation is of no image of it.
    """
    content = read_json(path, 'COCO annotation file')
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(content.get(key), list):
            raise DataError(f'{path}: has no list of {key}; is it a COCO file?')
        check_entries(
            content[key], f'{path}: {key}', ['id', 'name', 'image_id', 'category_id']
        )
    classes = {one.get('id'): one.get('name') for one in content['categories']}
    by_image: dict[Any, list[dict]] = {one.get('id'): [] for one in content['images']}
    for annotation in content['annotations']:
        if annotation.get('image_id') not in by_image:
            raise DataError(
                f'{path}: annotation {annotation.get("id")} is of image '
                f'{annotation.get("image_id")}: not there'
            )
        by_image[annotation['image_id']].append(annotation)
    return [
        CocoImage(path, classes, image, by_image[image.get('id')])
        for image in content['images']
    ]


CocoOf = Callable[[int], CocoImage]
"""Frame number to its annotations."""


def coco_of_sequence(path: Path, frames: dict[int, Path]) -> CocoOf:
    """Annotations of a sequence that has one json.

    Args:
        path: The json; the name of an image in it ends in the number of its frame.
        frames: Pictures by frame number.

    Raises:
        DataError: A frame has no image in it or several, or an image no frame.
    """
    by_number: dict[int | None, list[CocoImage]] = defaultdict(list)
    for coco in read_coco(path):
        number = _number_of(coco)
        if number not in frames:
            folder = next(iter(frames.values())).parent
            raise DataError(
                f'{path}: image {coco.image.get("file_name")} has no frame in '
                f'{folder}; add it'
            )
        by_number[number].append(coco)
    for number, frame in frames.items():
        if len(by_number[number]) != 1:
            raise DataError(
                f'{path}: has {len(by_number[number])} images for frame {frame}, not '
                'one'
            )
    return lambda number: by_number[number][0]


def coco_of_frames(files: dict[int, Path], frames: dict[int, Path]) -> CocoOf:
    """Annotations of a sequence that has a json for each frame.

    Args:
        files: Jsons by frame number; each is read when it is its turn.
        frames: Pictures by frame number.

    Raises:
        DataError: Later, if a json holds another image, or not one.
    """

    def coco_of(number: int) -> CocoImage:
        images = read_coco(files[number])
        if len(images) != 1:
            raise DataError(f'{files[number]}: has {len(images)} images, not one')
        if _number_of(images[0]) != number:
            raise DataError(
                f'{files[number]}: is of image {images[0].image.get("file_name")}, '
                f'not of its frame {frames[number].name}'
            )
        return images[0]

    return coco_of


def _number_of(coco: CocoImage) -> int | None:
    # exports of Windows have backslashes
    name = str(coco.image.get('file_name', '')).replace('\\', '/')
    return frame_number(PurePosixPath(name).stem, prefixed=True)
