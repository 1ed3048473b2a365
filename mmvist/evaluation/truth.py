"""Ground truth of a metric, read from the annotation file itself.

MMDetection's datasets drop ignore regions, foreign classes and boxes under a
pixel on the way to the model, so a metric that took its truth from the data
samples would count other things than the benchmark does.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import mmengine
from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import (
    check_class_names,
    check_entries,
    check_inside,
)
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError

from .rle import Rle, as_text


@dataclass
class TruthFrame:
    """Annotations of one image; masks are RLEs in original pixels.

    ``category_ids``, ``instance_ids`` and ``rles`` are aligned; ``ignored``
    holds (category id, instance id, RLE) of every region marked ``ignore`` or
    ``iscrowd``. ``number`` is the frame's number as the benchmark counts, that of
    its file: KITTI from 0, MOTSChallenge from 1. ``file_name`` is relative to the
    folder of the images.
    """

    img_id: int
    height: int
    width: int
    category_ids: list[int] = field(default_factory=list)
    instance_ids: list[int] = field(default_factory=list)
    rles: list[Rle] = field(default_factory=list)
    ignored: list[tuple[int, int, Rle]] = field(default_factory=list)
    number: int = 0
    file_name: str = ''


@dataclass
class TruthVideo:
    """One video with all its frames in order, annotated or not."""

    id: int
    name: str
    frames: list[TruthFrame] = field(default_factory=list)


@dataclass
class Truth:
    """Everything that a CocoVID-style annotation file says."""

    videos: list[TruthVideo]
    categories: dict[str, int]  # name -> category id

    @cached_property
    def frames(self) -> dict[int, TruthFrame]:
        """Every frame by its image id."""
        return {frame.img_id: frame for video in self.videos for frame in video.frames}

    def category_ids(self, classes: Sequence[str]) -> list[int]:
        """Category id of each class; one that the file lacks gets a free id."""
        free = max(self.categories.values(), default=0) + 1
        return [
            self.categories.get(name, free + place)
            for place, name in enumerate(classes)
        ]


def load_truth(ann_file: str, backend_args: dict | None = None) -> Truth:
    """Read a CocoVID-style json.

    Args:
        ann_file: Path or URL of the file: ``videos``, ``images`` (with
            ``video_id`` and ``frame_id``), ``annotations`` (with
            ``instance_id``), ``categories``.
        backend_args: MMEngine's file backend.

    Raises:
        DataError: If the file is of another format, an annotation has no
            ``instance_id``, or an id appears twice in a frame.
    """
    try:
        data = mmengine.load(ann_file, file_format='json', backend_args=backend_args)
    except (ValueError, RecursionError) as error:
        raise DataError(f'{ann_file}: is no json ({error}); make it anew') from error
    _check(data, ann_file)
    videos = {
        video['id']: TruthVideo(video['id'], str(video.get('name', video['id'])))
        for video in data['videos']
    }
    for video in videos.values():
        check_inside(video.name, f'{ann_file}: video {video.id}')
    categories = {cat['name']: cat['id'] for cat in data['categories']}
    images = sorted(data['images'], key=lambda image: image['frame_id'])
    by_image = defaultdict(list)
    for ann in data['annotations']:
        if 'image_id' not in ann:
            raise DataError(
                f'{ann_file}: annotation {ann.get("id")} belongs to no image; '
                "convert YouTube-VIS json to CocoVID json first (MMDetection's "
                'youtubevis2coco.py)'
            )
        by_image[ann['image_id']].append(ann)
    for image in images:
        frame = TruthFrame(image['id'], image['height'], image['width'])
        frame.file_name = image.get('file_name', '')
        if frame.file_name:
            check_inside(frame.file_name, f'{ann_file}: image {image["id"]}')
        stem = PurePosixPath(frame.file_name).stem
        frame.number = int(stem) if stem.isdecimal() else image['frame_id']
        for ann in by_image[image['id']]:
            add_annotation(frame, ann, ann_file)
        if image['video_id'] not in videos:
            raise DataError(
                f'{ann_file}: image {image["id"]} is of video {image["video_id"]}: not '
                'there'
            )
        videos[image['video_id']].frames.append(frame)
    return Truth(list(videos.values()), categories)


_NUMBERS = dict(
    videos=('id',),
    images=('id', 'video_id', 'frame_id', 'height', 'width'),
    annotations=('category_id',),
    categories=('id',),
)
"""What is a whole number in each entry."""


def _check(data: Any, ann_file: str) -> None:
    """Refuse a json whose entries do not say what they have to."""
    missing = set(_NUMBERS) - set(data if isinstance(data, dict) else ())
    if missing:
        raise DataError(
            f'{ann_file} is not a CocoVID-style annotation file: no '
            + ', '.join(sorted(missing))
        )
    for kind, numbers in _NUMBERS.items():
        where = f'{ann_file}: {kind}'
        for place, entry in enumerate(check_entries(data[kind], where, ['image_id'])):
            odd = [key for key in numbers if not isinstance(entry.get(key), int)]
            if odd:
                raise DataError(
                    f'{where}[{place}]: {odd[0]} is no whole number; make the file anew'
                )
    if not data['images']:
        raise DataError(f'{ann_file}: holds no frames; make it of sequences with some')
    names = [category.get('name') for category in data['categories']]
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(f'{ann_file}: a class has no name; make the file anew')
    check_class_names(names)
    known = {category['id'] for category in data['categories']}
    for ann in data['annotations']:
        judged = not (ann.get('ignore') or ann.get('iscrowd'))
        if judged and ann['category_id'] not in known:
            raise DataError(
                f'{ann_file}: annotation {ann.get("id")} is of class '
                f'{ann["category_id"]}: not there'
            )


def add_annotation(frame: TruthFrame, ann: dict[str, Any], ann_file: str) -> None:
    """Add one entry of ``annotations`` to its frame; an empty mask is left out.

    Args:
        frame: The frame that it belongs to.
        ann: The entry.
        ann_file: Name of the file, for messages.

    Raises:
        DataError: It has no mask or no ``instance_id``, one that cannot be read, a
            mask of another size than the frame, or its instance is there already.
    """
    if not ann.get('segmentation'):
        raise DataError(
            f'{ann_file}: annotation {ann.get("id")} has no segmentation; add its mask '
            'or remove it'
        )
    where = f'{ann_file}: annotation {ann.get("id")}'
    size = frame.height, frame.width
    try:
        rle = as_text(read_segmentation(ann['segmentation'], size, where))
    except DataError as error:
        raise DataError(f'{error}; make the mask anew') from None
    if not mask_utils.area(rle):
        return
    instance_id, category_id = ann.get('instance_id'), ann['category_id']
    if ann.get('ignore') or ann.get('iscrowd'):
        frame.ignored.append((category_id, instance_id or 0, rle))
        return
    if instance_id is None:
        raise DataError(f'{where} has no instance_id; number those of a video from 1')
    if not isinstance(instance_id, int) or instance_id < 0:
        raise DataError(
            f'{where}: instance_id {instance_id!r} is no whole number; number those of '
            'a video from 1'
        )
    if instance_id in frame.instance_ids:
        raise DataError(
            f'{ann_file}: instance {instance_id} appears twice in image '
            f'{frame.img_id}; remove one or give it an id of its own'
        )
    frame.category_ids.append(category_id)
    frame.instance_ids.append(instance_id)
    frame.rles.append(rle)
