"""Everything that is wrong in a CocoVID-style annotation file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Any

from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import IGNORE_CLASS
from mmvist.datasets.converters.frames import missing_frames
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError
from mmvist.evaluation.rle import merge_rles
from mmvist.evaluation.truth import TruthFrame, TruthVideo, add_annotation

from .finding import ERROR, NOTE

Say = Callable[[str, str], None]
"""Takes a level and a line."""

BOX_TOLERANCE = 2.0
"""Pixels by which an edge of a box may be off its mask."""

FIELDS = dict(
    videos=('id',),
    images=('id', 'video_id', 'frame_id', 'file_name', 'width', 'height'),
    annotations=('id', 'image_id', 'category_id', 'segmentation'),
    categories=('id', 'name'),
)

NUMBERS = (
    *('video_id', 'frame_id', 'image_id', 'category_id', 'instance_id'),
    *('width', 'height'),
)


class AnnotationCheck:
    """Reads a file entry by entry; what cannot be used is said and left out.

    Args:
        content: The parsed json.
        name: Of the file, for the lines.
        say: Takes each finding.

    Attributes:
        categories: Class number to name.
        videos: By id, each with the frames that can be used, in order.
        frames: By image id.
        instances: Annotations that can be used, by instance: (frame, entry).
    """

    def __init__(self, content: dict[str, Any], name: str, say: Say) -> None:
        self.name, self.say = name, say
        self.categories = {
            one['id']: one['name'] for one in self._entries(content, 'categories')
        }
        self.videos = {
            one['id']: TruthVideo(one['id'], str(one.get('name', one['id'])))
            for one in self._entries(content, 'videos')
        }
        self.frames: dict[int, TruthFrame] = {}
        for entry in self._entries(content, 'images'):
            self._add_frame(entry)
        for video in self.videos.values():
            video.frames.sort(key=lambda frame: frame.number)
        self.instances: dict[int, list[tuple[TruthFrame, dict]]] = defaultdict(list)
        self.masks = 0
        for entry in self._entries(content, 'annotations'):
            self._add_annotation(entry)

    def _entries(self, content: dict[str, Any], key: str) -> list[dict]:
        """Entries with all their fields, each id once."""
        singular = {'categories': 'category'}.get(key, key[:-1])
        seen: set[Any] = set()
        entries = []
        for place, entry in enumerate(content[key]):
            if not isinstance(entry, dict) or not isinstance(
                entry.get('id'), int | str
            ):
                self._error(
                    f'entry {place} of {key} has no id, a number or a name; add it'
                )
                continue
            absent = [field for field in FIELDS[key] if field not in entry]
            odd = [
                field
                for field in NUMBERS
                if field in entry and not isinstance(entry[field], int)
            ]
            if entry['id'] in seen:
                self._error(f'{singular} id {entry["id"]} comes twice; number anew')
            elif absent:
                self._error(f'{singular} {entry["id"]} has no {absent[0]}; add it')
            elif odd:
                self._error(
                    f'{singular} {entry["id"]} has {odd[0]} {entry[odd[0]]!r}; write a '
                    'whole number'
                )
            else:
                entries.append(entry)
            seen.add(entry['id'])
        return entries

    def _add_frame(self, entry: dict) -> None:
        video = self.videos.get(entry['video_id'])
        if video is None:
            self._error(
                f'image {entry["id"]} is of video {entry["video_id"]}, which is not in '
                'videos; add the video or remove the image'
            )
            return
        frame = TruthFrame(entry['id'], entry['height'], entry['width'])
        frame.number, frame.file_name = entry['frame_id'], entry['file_name']
        self.frames[frame.img_id] = frame
        video.frames.append(frame)

    def _add_annotation(self, entry: dict) -> None:
        where = f'annotation {entry["id"]}'
        frame = self.frames.get(entry['image_id'])
        if frame is None:
            self._error(
                f'{where} is of image {entry["image_id"]}, which cannot be used or is '
                'not in images; add the image or remove the annotation'
            )
            return
        judged = not (entry.get('ignore') or entry.get('iscrowd'))
        if judged and entry['category_id'] not in self.categories:
            self._error(
                f'{where} is of class {entry["category_id"]}, which is none of '
                f'{self.categories}; add it to categories or correct category_id'
            )
            return
        if entry['segmentation']:
            size = (frame.height, frame.width)
            try:
                read_segmentation(entry['segmentation'], size, where)
            except DataError as error:
                self._error(f'{error}; write the mask again')
                return
        before = len(frame.rles)
        try:
            add_annotation(frame, entry, self.name)
        except ValueError as error:
            self.say(ERROR, str(error))
            return
        self.masks += 1
        if not judged:
            return
        if len(frame.rles) == before:
            self._note(f'{where} has an empty mask and is left out; remove it')
            return
        self.instances[entry['instance_id']].append((frame, entry))
        if entry['instance_id'] == 0:
            self._error(
                f'{where} has instance_id 0, which MMDetection takes for none; number '
                'instances from 1'
            )
        self._check_box(entry, frame)

    def _check_box(self, entry: dict, frame: TruthFrame) -> None:
        absent = [field for field in ('bbox', 'area') if field not in entry]
        if absent:
            self._error(f'annotation {entry["id"]} has no {absent[0]}; add it')
            return
        right = mask_utils.toBbox(frame.rles[-1]).tolist()
        if not _same_box(right, entry['bbox']):
            self._error(
                f'annotation {entry["id"]} has bbox {entry["bbox"]}, but its mask '
                f'fills {right}; write that'
            )

    def check_frames(self) -> None:
        """Masks that overlap."""
        for frame in self.frames.values():
            if len(frame.rles) < 2:
                continue
            total = int(mask_utils.area(frame.rles).sum())
            if total == mask_utils.area(merge_rles(frame.rles)):
                continue
            for a, b in combinations(range(len(frame.rles)), 2):
                both = mask_utils.merge([frame.rles[a], frame.rles[b]], intersect=True)
                pixels = int(mask_utils.area(both))
                if pixels:
                    self._note(
                        f'instances {frame.instance_ids[a]} and '
                        f'{frame.instance_ids[b]} overlap in image {frame.img_id} '
                        f'({frame.file_name}) by {pixels} pixels; give each pixel to '
                        'one of them, MOTS allows no overlap'
                    )

    def check_videos(self, gaps: bool = True) -> None:
        """Empty videos, sizes, gaps, frames without predecessor.

        Args:
            gaps: Look for missing frames; a folder's files were looked at before.
        """
        alone = 0
        for video in self.videos.values():
            where = f'video {video.name}'
            if not video.frames:
                self._error(f'{where} has no frames; remove it or add its images')
                continue
            if self.instances and not any(frame.rles for frame in video.frames):
                self._note(
                    f'{where} has no instance in any of its {len(video.frames)} '
                    'frames; annotate it or leave it out'
                )
            sizes = Counter((frame.width, frame.height) for frame in video.frames)
            if len(sizes) > 1:
                self._error(
                    f'{where} has frames of {_listed(sizes)}; a video has one size'
                )
            numbers = [frame.number for frame in video.frames]
            for before, after in zip(numbers, numbers[1:]):
                if before == after:
                    self._error(f'{where} has frame_id {after} twice; number anew')
                elif gaps and after > before + 1:
                    self._note(
                        f'{where}: {missing_frames(before, after)} missing, so that '
                        f'frame {after:06} trains as a first frame; add what is missing'
                    )
            follow = sum(b == a + 1 for a, b in zip(numbers, numbers[1:]))
            alone += len(numbers) - follow
        first = sum(bool(video.frames) for video in self.videos.values())
        if gaps and alone > first:
            self._note(
                f'{alone} of {len(self.frames)} frames have no predecessor ({first} '
                f'begin a video, {alone - first} follow a gap) and train as first '
                'frames; add the missing frames'
            )

    def check_instances(self) -> None:
        """Classes of instances, and classes without any."""
        for instance, found in sorted(self.instances.items(), key=lambda one: one[0]):
            start, first = found[0]
            for frame, entry in found[1:]:
                if entry['category_id'] != first['category_id']:
                    self._error(
                        f'instance {instance} is a '
                        f'{self.categories[first["category_id"]]} in image '
                        f'{start.img_id} and a '
                        f'{self.categories[entry["category_id"]]} in image '
                        f'{frame.img_id}; correct category_id or give it two ids'
                    )
                    break
        if not self.instances:
            # a class or video that is left out would spoil a submission
            self._note(
                'has no instance at all, as files of benchmarks that keep their truth; '
                'test with --format-only'
            )
            return
        used = {
            entry['category_id']
            for found in self.instances.values()
            for _, entry in found
        }
        for number, name in self.categories.items():
            if number not in used and number != IGNORE_CLASS:
                self._note(
                    f'class {name} has no instance; leave it out of metainfo=dict('
                    'classes=...) or annotate some'
                )

    def check_sizes(self) -> None:
        """Videos of several sizes."""
        sizes = Counter(
            (video.frames[0].width, video.frames[0].height)
            for video in self.videos.values()
            if video.frames
        )
        if len(sizes) > 1:
            self._note(
                f'videos are of {_listed(sizes)}; a batch is padded to the largest, '
                "so choose the Resize of the config's pipelines for all of them"
            )

    def summary(self) -> str:
        """What the file holds."""
        return (
            f'{len(self.videos)} videos, {len(self.frames)} frames, {self.masks} masks '
            f'of {len(self.instances)} instances'
        )

    def _error(self, text: str) -> None:
        self.say(ERROR, f'{self.name}: {text}')

    def _note(self, text: str) -> None:
        self.say(NOTE, f'{self.name}: {text}')


def _same_box(a: list[float], b: Any) -> bool:
    """Whether the edges of two xywh boxes agree; pixels."""
    if not isinstance(b, list) or len(b) != 4:
        return False
    edges = [(x, y, x + w, y + h) for x, y, w, h in (a, b)]
    return all(abs(one - other) <= BOX_TOLERANCE for one, other in zip(*edges))


def _listed(sizes: Counter[tuple[int, int]]) -> str:
    """``192 x 128 (3), 640 x 480 (1)``."""
    return ', '.join(
        f'{width} x {height} ({count})'
        for (width, height), count in sizes.most_common()
    )
