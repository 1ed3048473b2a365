"""Folders of frames with COCO annotations, as annotation tools export them.

``frames/SEQ/000000.jpg`` and ``annotations/SEQ/000000.json``, a COCO json for each
frame; or ``annotations/SEQ.json``, one for the sequence. What makes annotations of
several frames one instance is their ``track_id`` or ``instance_id``, which CVAT and
others write into the ``attributes`` of an annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmvist.datasets.converters.coco_json import (
    CocoImage,
    CocoOf,
    coco_of_frames,
    coco_of_sequence,
)
from mmvist.datasets.converters.cocovid import (
    Progress,
    check_entries,
    class_numbers,
    no_progress,
    read_json,
)
from mmvist.datasets.converters.frame_sequences import (
    FrameMask,
    FrameSequence,
    Masks,
    convert_sequences,
)
from mmvist.datasets.converters.frames import (
    FRAME_SUFFIXES,
    check_gaps,
    numbered_files,
    paired_files,
)
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError

IDENTITY_KEYS = ('track_id', 'instance_id')
"""Keys of an identity, in the order in which they are looked for."""


def convert_coco_frames(
    root: str | Path,
    sequences: Sequence[str],
    classes: Sequence[str] | None = None,
    frames: str = 'images',
    annotations: str = 'annotations',
    identity_keys: Sequence[str] = IDENTITY_KEYS,
    allow_gaps: bool = False,
    stride: int = 1,
    check_pixels: bool = True,
    progress: Progress = no_progress,
) -> dict:
    """Read sequences into one CocoVID-style dict.

    Annotations marked ``iscrowd`` or ``ignore`` become regions of their class that
    are not judged, and need no identity.

    Args:
        root: The data set.
        sequences: Names of folders under ``frames``.
        classes: Class names to take, in the order of their category ids; annotations
            of others are left out. By default those of the first annotation file,
            and another one is an error.
        frames: Folder of the sequences' frames, relative to ``root``. A name ends in
            the number of the frame.
        annotations: Folder of the sequences' annotations, relative to ``root``: of
            each a folder with one json a frame, or where there is ``NAME.json`` that
            file.
        identity_keys: Keys of an identity, in the annotation or its ``attributes``.
        allow_gaps: Accept missing frames; ``frame_id`` then jumps over them.
        stride: Distance between the numbers of neighbours: 5 where only every fifth
            frame is there, so that the others are no gaps.
        check_pixels: Decode every frame to find damaged files.
        progress: Wraps the loop over the sequences.

    Returns:
        As :func:`~mmvist.datasets.converters.convert_kitti_mots`.

    Raises:
        DataError: At the first thing that is wrong, naming the file.
    """
    root = Path(root)
    names = classes or _first_classes(root / annotations, sequences)
    reader = _Reader(class_numbers(names), classes is not None, tuple(identity_keys))

    def find(name: str) -> FrameSequence:
        folder = root / frames / name
        frame_of = numbered_files(folder, FRAME_SUFFIXES, prefixed=True)
        whole = root / annotations / f'{name}.json'
        if whole.is_file():
            coco_of = coco_of_sequence(whole, frame_of)
        else:
            files = paired_files(
                frame_of,
                whole.with_suffix(''),
                suffix='.json',
                empty='with empty lists',
                prefixed=True,
            )
            coco_of = coco_of_frames(files, frame_of)
        check_gaps(frame_of, folder, allow_gaps, stride)
        return FrameSequence(name, frame_of, name, reader.masks_of(coco_of))

    content = convert_sequences(
        sequences,
        find,
        {number: name for name, number in reader.number_of.items()},
        f'{len(sequences)} sequences with COCO annotations',
        stride,
        check_pixels,
        progress,
    )
    unseen = [name for name in names if name not in reader.seen]
    if unseen:
        raise DataError(
            f'{root / annotations}: no file has the class {unseen[0]}; they have '
            f'{sorted(reader.seen)}'
        )
    return content


@dataclass
class _Reader:
    """Masks with class and identity.

    Attributes:
        number_of: Class name to category id.
        chosen: The user chose the classes: others are left out.
        identity_keys: Keys of an identity.
        seen: Names of categories in the files.
    """

    number_of: dict[str, int]
    chosen: bool
    identity_keys: tuple[str, ...]
    seen: set[str] = field(default_factory=set)

    def masks_of(self, coco_of: CocoOf) -> Masks:
        """The masks of a sequence whose frames have COCO annotations."""
        class_of: dict[str, str] = {}

        def masks(number: int, size: tuple[int, int]) -> Iterable[FrameMask]:
            coco = coco_of(number)
            self.seen.update(coco.classes.values())
            found = tuple(coco.image.get(key) for key in ('height', 'width'))
            if found != size:
                raise DataError(
                    f'{coco.path}: says {found[1]} x {found[0]} of image '
                    f'{coco.image.get("file_name")}, but its frame is {size[1]} x '
                    f'{size[0]}'
                )
            identities: set[str] = set()
            for annotation in coco.annotations:
                where = f'{coco.path}: annotation {annotation.get("id")}'
                name = self._class(annotation, coco, where)
                if name is None:
                    continue
                if not annotation.get('segmentation'):
                    raise DataError(
                        f'{where} has no segmentation; a box alone is no mask'
                    )
                rle = read_segmentation(annotation['segmentation'], size, where)
                if annotation.get('iscrowd') or annotation.get('ignore'):
                    yield FrameMask(self.number_of[name], None, rle, ignore=True)
                    continue
                identity = self._identity(annotation, where)
                if identity in identities:
                    raise DataError(
                        f'{where} is of instance {identity}, which is in this frame '
                        'already; draw it as one annotation'
                    )
                identities.add(identity)
                if class_of.setdefault(identity, name) != name:
                    raise DataError(
                        f'{where} says that instance {identity} is a {name}; before '
                        f'it was a {class_of[identity]}'
                    )
                yield FrameMask(self.number_of[name], identity, rle)

        return masks

    def _class(self, annotation: dict, coco: CocoImage, where: str) -> str | None:
        """Name of the class; None where it is to be left out."""
        name = coco.classes.get(annotation.get('category_id'))
        if name is None:
            raise DataError(
                f'{where} is of category {annotation.get("category_id")}: not there'
            )
        if name in self.number_of:
            return name
        if self.chosen:
            return None
        raise DataError(
            f'{where} is a {name}, which is none of {list(self.number_of)}; name the '
            'classes with --classes'
        )

    def _identity(self, annotation: dict, where: str) -> str:
        for key in self.identity_keys:
            for place in (annotation, annotation.get('attributes')):
                if isinstance(place, dict) and place.get(key) is not None:
                    return str(place[key])
        raise DataError(
            f'{where} has no {" or ".join(self.identity_keys)}, itself or in its '
            'attributes; name the key with --identity'
        )


def _first_classes(folder: Path, sequences: Sequence[str]) -> list[str]:
    """Class names of the first annotation file."""
    path = folder / f'{sequences[0]}.json'
    if not path.is_file():
        files = numbered_files(path.with_suffix(''), ('.json',), prefixed=True)
        path = next(iter(files.values()))
    categories = read_json(path, 'COCO annotation file').get('categories')
    if not categories:
        raise DataError(f'{path}: has no categories; name the classes with --classes')
    return [
        one.get('name')
        for one in check_entries(categories, f'{path}: categories', ['name'])
    ]
