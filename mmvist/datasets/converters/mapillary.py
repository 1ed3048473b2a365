"""Mapillary Vistas to a plain COCO dict, for the pretraining of a detector.

Single pictures, no videos. A pixel of an instance png (16 bit) is label * 256 +
instance, where label is a place in the list ``labels`` of the config. The layouts:

- v1.2: ``SPLIT/images/``, ``SPLIT/instances/``, ``config.json``
- v2.0: ``SPLIT/images/``, ``SPLIT/v2.0/instances/``, ``config_v2.0.json``; the same
  package has ``SPLIT/v1.2/instances/`` with ``config_v1.2.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmvist.datasets.converters.cocovid import (
    Progress,
    check_entries,
    encode_mask,
    mask_fields,
    no_progress,
    read_json,
)
from mmvist.datasets.converters.frames import (
    FRAME_SUFFIXES,
    check_mask_size,
    frame_size,
    read_one_channel,
)
from mmvist.datasets.errors import DataError

VISTAS_SPLITS = ('training', 'validation')
VISTAS_CLASSES: dict[str, dict[str, tuple[str, ...]]] = {
    'v1.2': {
        'car': ('object--vehicle--car',),
        'person': ('human--person',),
    },
    'v2.0': {
        'car': ('object--vehicle--car', 'object--vehicle--vehicle-group'),
        'person': ('human--person--individual', 'human--person--person-group'),
    },
}
"""Version to class name to the labels of the class."""


@dataclass(frozen=True)
class VistasVersion:
    """What a data set holds in one version.

    Attributes:
        name: ``v1.2`` or ``v2.0``.
        instances: Folder of the instance pngs in that of a split.
        config: The list of labels.
    """

    name: str
    instances: str
    config: Path


def find_version(root: Path, name: str | None = None) -> VistasVersion:
    """Look for the annotations of a version.

    Args:
        root: The data set.
        name: ``v1.2`` or ``v2.0``; by default the later one that is there.

    Raises:
        DataError: There is no config of it.
    """
    places = [
        VistasVersion('v2.0', 'v2.0/instances', root / 'config_v2.0.json'),
        VistasVersion('v1.2', 'v1.2/instances', root / 'config_v1.2.json'),
        VistasVersion('v1.2', 'instances', root / 'config.json'),
    ]
    if name is not None:
        places = [place for place in places if place.name == name]
    for place in places:
        if place.config.is_file():
            return place
    configs = ' or '.join(place.config.name for place in places)
    raise DataError(f'{root}: has no {configs}; is it Mapillary Vistas?')


def convert_mapillary(
    root: str | Path,
    split: str,
    classes: Mapping[str, Sequence[str]] | None = None,
    version: str | None = None,
    check_pixels: bool = True,
    progress: Progress = no_progress,
) -> dict:
    """Read a split into one COCO dict.

    A label that the config does not annotate by instance (``instances: false``, as
    v2.0's groups of persons and of vehicles) gives crowd regions, ``iscrowd=1``.

    Args:
        root: The data set.
        split: Name of its folder, ``training`` or ``validation``.
        classes: Class name to the labels of the class; their order gives the category
            ids, from 1 on. By default car and person, see ``VISTAS_CLASSES``.
        version: ``v1.2`` or ``v2.0``; by default the later one that is there.
        check_pixels: Decode every picture to find damaged files.
        progress: Wraps the loop over the pictures.

    Returns:
        ``info``, ``images``, ``annotations`` and ``categories``. ``file_name`` is
        relative to ``SPLIT/images``; pictures without an instance are kept.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    root = Path(root)
    found = find_version(root, version)
    classes = VISTAS_CLASSES[found.name] if classes is None else classes
    labels = _read_labels(found.config)
    category_of = _categories_of_labels(classes, labels, found.config)
    pictures = _files(root / split / 'images', FRAME_SUFFIXES)
    masks = _files(root / split / found.instances, ('.png',))
    _check_pairs(pictures, masks, root / split)
    images: list[dict] = []
    annotations: list[dict] = []
    for stem in progress(sorted(pictures)):
        height, width = frame_size(pictures[stem], check_pixels)
        images.append(
            dict(
                id=len(images) + 1,
                file_name=pictures[stem].name,
                width=width,
                height=height,
            )
        )
        for label, rle in _instances(
            masks[stem], (height, width), category_of, len(labels)
        ):
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=len(images),
                    category_id=category_of[label],
                    **mask_fields(rle),
                    iscrowd=int(not labels[label]['instances']),
                )
            )
    return dict(
        info=dict(description=f'Mapillary Vistas {found.name}, {split}', version='1.0'),
        images=images,
        annotations=annotations,
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)],
    )


def _read_labels(config: Path) -> list[dict]:
    labels = read_json(config, 'config of Mapillary Vistas').get('labels')
    if not labels:
        raise DataError(f'{config}: has no labels; fetch it again')
    check_entries(labels, f'{config}: labels', ['name'])
    for place, label in enumerate(labels):
        if not {'name', 'instances'} <= set(label):
            raise DataError(f'{config}: labels[{place}] has no name or instances')
    return labels


def _categories_of_labels(
    classes: Mapping[str, Sequence[str]], labels: list[dict], config: Path
) -> dict[int, int]:
    """Place in the list of labels to category id."""
    place_of = {label['name']: place for place, label in enumerate(labels)}
    category_of: dict[int, int] = {}
    for category, (name, parts) in enumerate(classes.items(), 1):
        for part in parts:
            if part not in place_of:
                raise DataError(
                    f'{config}: has no label {part} (of class {name}); choose out of '
                    'it with --classes'
                )
            if category_of.setdefault(place_of[part], category) != category:
                raise DataError(f'--classes: label {part} is in two classes')
    return category_of


def _files(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of a folder by their names without ending."""
    if not folder.is_dir():
        raise DataError(f'{folder}: no such folder; check the data set and the split')
    return {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith('.')
    }


def _check_pairs(
    pictures: dict[str, Path], masks: dict[str, Path], folder: Path
) -> None:
    if not pictures:
        raise DataError(f'{folder / "images"}: has no pictures; fetch them again')
    for stem in sorted(set(pictures) ^ set(masks)):
        if stem in pictures:
            raise DataError(
                f'{pictures[stem]}: has no instance png {stem}.png; fetch it again'
            )
        raise DataError(f'{masks[stem]}: has no picture; fetch it again')


def _instances(
    path: Path, size: tuple[int, int], category_of: dict[int, int], num_labels: int
) -> list[tuple[int, dict]]:
    """(label, mask) of the instances of a png by ascending value."""
    pixels = read_one_channel(path, 'one of 16 bits (label * 256 + instance) has one')
    check_mask_size(path, pixels, size)
    # column by column, as run-length codes go: pictures have millions of pixels
    pixels = np.asfortranarray(pixels.astype(np.uint16))
    values = np.flatnonzero(np.bincount(pixels.ravel(order='K'), minlength=1))
    if values[-1] // 256 >= num_labels:
        raise DataError(
            f'{path}: value {values[-1]} is of label {values[-1] // 256}, but the '
            f'config has {num_labels}; is it of another version?'
        )
    return [
        (value // 256, encode_mask(pixels == value))
        for value in values.tolist()
        if value // 256 in category_of
    ]
