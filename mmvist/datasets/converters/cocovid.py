"""The annotation file that all converters make, and how it is written."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from mmvist.datasets.errors import DataError
from mmvist.files import whole_file

# class number and instance id of a region that is not judged, as in KITTI MOTS
IGNORE_CLASS = 10
IGNORE_ID = 10000

# wraps the outer loop of a converter to show how far it is
Progress = Callable[[Iterable], Iterable]


def no_progress(steps: Iterable) -> Iterable:
    """Show nothing."""
    return steps


class CocoVidBuilder:
    """Collects videos, frames and instances into one CocoVID-style dict.

    Args:
        categories: Class number to class name.
        description: What the data is; goes to ``info``.
    """

    def __init__(self, categories: dict[int, str], description: str) -> None:
        self.videos: list[dict] = []
        self.images: list[dict] = []
        self.annotations: list[dict] = []
        self._categories = categories
        self._description = description
        self._video_of: dict[int, dict] = {}
        self._instances: dict[tuple, int] = {}

    def add_video(
        self,
        name: str,
        size: tuple[int, int],
        length: int,
        video_id: int | None = None,
    ) -> int:
        """Add a video.

        Args:
            name: Of the video.
            size: (height, width).
            length: Number of frames.
            video_id: That of the source, where it has one; by default the next
                number, from 1.

        Returns:
            Its id.
        """
        height, width = size
        if video_id is None:
            video_id = len(self.videos) + 1
        video = dict(id=video_id, name=name, width=width, height=height, length=length)
        self.videos.append(video)
        self._video_of[video_id] = video
        return video_id

    def add_frame(self, video_id: int, frame_id: int, file_name: str) -> int:
        """Add the next frame of a video and return its id."""
        video = self._video_of[video_id]
        self.images.append(
            dict(
                id=len(self.images) + 1,
                video_id=video_id,
                frame_id=frame_id,
                file_name=file_name,
                width=video['width'],
                height=video['height'],
            )
        )
        return len(self.images)

    def add_instance(
        self,
        image_id: int,
        category_id: int,
        instance: object,
        rle: dict,
        ignore: bool = False,
    ) -> None:
        """Add one instance of a frame; empty masks are left out.

        Args:
            image_id: As :meth:`add_frame` gave it.
            category_id: Class number.
            instance: What names the instance within its video.
            rle: Compressed COCO run-length code, ``counts`` as bytes.
            ignore: It is a region that is not judged, and no instance.
        """
        if not mask_utils.area(rle):
            return
        video_id = self.images[image_id - 1]['video_id']
        self.annotations.append(
            dict(
                id=len(self.annotations) + 1,
                image_id=image_id,
                video_id=video_id,
                category_id=category_id,
                instance_id=IGNORE_ID if ignore else self._id(video_id, instance),
                **mask_fields(rle),
                iscrowd=int(ignore),
                **(dict(ignore=True) if ignore else {}),
            )
        )

    def _id(self, video_id: int, instance: object) -> int:
        """Number instances over the whole file, from 1, never the ignore id."""
        number = len(self._instances) + 1
        number += number >= IGNORE_ID
        return self._instances.setdefault((video_id, instance), number)

    def build(self) -> dict:
        """Return the finished dict."""
        return dict(
            info=dict(description=self._description, version='1.0'),
            videos=self.videos,
            images=self.images,
            annotations=self.annotations,
            categories=[dict(id=i, name=n) for i, n in self._categories.items()],
        )


def mask_fields(rle: dict) -> dict:
    """``bbox`` (x, y, width, height), ``area`` and ``segmentation`` of a mask.

    Args:
        rle: Compressed COCO run-length code, ``counts`` as bytes.
    """
    return dict(
        bbox=[float(v) for v in mask_utils.toBbox(rle)],
        area=int(mask_utils.area(rle)),
        segmentation=dict(
            size=[int(v) for v in rle['size']], counts=rle['counts'].decode()
        ),
    )


def class_numbers(names: Iterable[str]) -> dict[str, int]:
    """Number class names from 1 on, round the class of regions not judged.

    Raises:
        DataError: A name comes twice.
    """
    names = list(names)
    check_class_names(names)
    return {name: i + (i >= IGNORE_CLASS) for i, name in enumerate(names, 1)}


def check_class_names(names: Sequence[str]) -> None:
    """Refuse a list that has a name twice: one of the two would be lost."""
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f'class {twice[0]!r} is listed twice; name each class once')


def encode_mask(mask: np.ndarray) -> dict:
    """Compressed COCO run-length code of a (H, W) bool mask."""
    return mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """Read a json file that holds an object.

    Args:
        path: The file.
        kind: What it should be, for the message.

    Raises:
        DataError: It cannot be read, is no json, or holds a list.
    """
    try:
        # editors of Windows put a byte order mark in front
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: is no json ({error}); fetch it again') from error
    if not isinstance(content, dict):
        found = 'a list' if isinstance(content, list) else json.dumps(content)[:20]
        raise DataError(f'{path}: holds no object but {found}; it is no {kind}')
    return content


def check_entries(entries: Any, where: str, keys: Iterable[str] = ()) -> list[dict]:
    """Look at a list of objects before it is read.

    Args:
        entries: Whatever a json has there.
        where: File and key, for messages.
        keys: Those whose values are numbers or names; they may be missing.

    Raises:
        DataError: It is another thing.
    """
    if not isinstance(entries, list):
        raise DataError(f'{where} is no list; make the file anew')
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise DataError(f'{where}[{place}] is no object; make the file anew')
        for key in keys:
            if isinstance(entry.get(key), list | dict):
                raise DataError(
                    f'{where}[{place}]: {key} is no number or name; make the file anew'
                )
    return entries


def check_inside(name: Any, where: str) -> None:
    """Refuse a name from a file that would lead out of the folder it is joined to.

    Args:
        name: Of a frame or a video; forward slashes part folders, on every system.
        where: File and place, for messages.

    Raises:
        DataError: It is no text, empty, absolute, or goes up.
    """
    parts = name.replace('\\', '/').split('/') if isinstance(name, str) else ['']
    rooted = parts[0] == '' or parts[0].endswith(':')
    if rooted or '..' in parts or '\x00' in name:
        raise DataError(
            f'{where}: {name!r} is no name of a file inside the folder of the data'
        )


def write_json(content: dict, path: str | Path, force: bool = False) -> Path:
    """Write a json file whole or not at all, with the same bytes each time.

    Args:
        content: What to write.
        path: The file; its folder is made.
        force: Overwrite an existing file.

    Returns:
        The path.

    Raises:
        DataError: If the file exists and ``force`` is not set, or cannot be written.
    """
    path = Path(path)
    check_writable(path, force)
    text = json.dumps(content, separators=(',', ':'), ensure_ascii=False) + '\n'
    try:
        with whole_file(path) as part:
            part.write_text(text, encoding='utf-8')
    except OSError as error:
        raise DataError(f'{path}: cannot be written ({error.strerror})') from error
    return path


def check_writable(path: str | Path, force: bool, *inputs: Path | None) -> None:
    """Find out before the work whether its result has a place.

    Args:
        path: The file.
        force: Overwrite an existing file.
        *inputs: Files that are read, and never overwritten.

    Raises:
        DataError: The file exists and ``force`` is not set, is a folder or an input,
            lies under something that is no folder, or has another name.
    """
    path = Path(path)
    if path.resolve() in [one.resolve() for one in inputs if one]:
        raise DataError(f'{path}: is read by this command; name another file to write')
    if path.suffix not in ('.json', '.txt'):
        raise DataError(f'{path}: is the name of no json; let it end with .json')
    if path.parent.suffix == '.json':
        raise DataError(f'{path.parent}: is the name of a file; a folder goes there')
    if path.is_dir():
        raise DataError(f'{path}: is a folder; name a file in it')
    if path.exists() and not force:
        raise DataError(f'{path}: exists already; add --force to overwrite it')
    parent = next(one for one in path.absolute().parents if one.exists())
    if not parent.is_dir():
        raise DataError(f'{path}: cannot be written, {parent} is no folder')
