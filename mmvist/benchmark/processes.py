"""Tests in several processes: clips of unlike length, and who waits for whom."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvist.registry import HOOKS


@HOOKS.register_module()
class RankClockHook(Hook):
    """Writes ``<work dir>/rank<R>.json``: ``frames``, ``begun`` and ``done``.

    Both in seconds of the clock, which the processes of a machine share.
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin."""
        self._frames, self._begun = 0, time.time()
        self._done = self._begun

    def after_test_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """A frame is done."""
        self._frames += 1
        self._done = time.time()

    def after_test_epoch(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """All processes are done."""
        content = dict(frames=self._frames, begun=self._begun, done=self._done)
        path = Path(runner.work_dir) / f'rank{get_rank()}.json'
        path.write_text(json.dumps(content))


def stretched(
    annotations: Mapping[str, Any], lengths: Sequence[int]
) -> dict[str, list[dict]]:
    """Clips of given lengths, each one of the clips given, played forth and back.

    Args:
        annotations: CocoVID-style json.
        lengths: In frames.
    """
    found: dict[str, list[dict]] = dict(videos=[], images=[], annotations=[])
    image_ids, annotation_ids = count(1), count(1)
    shown = defaultdict(list)
    for one in annotations['annotations']:
        shown[one['image_id']].append(one)
    for number, length in enumerate(lengths):
        video = annotations['videos'][number % len(annotations['videos'])]
        name = f'{number:04}'
        own = dict(id=number + 1, name=name, length=length)
        found['videos'].append({**video, **own})
        images = [i for i in annotations['images'] if i['video_id'] == video['id']]
        images.sort(key=lambda image: image['frame_id'])
        for frame, image in zip(range(length), forth_and_back(images), strict=False):
            new = next(image_ids)
            place = dict(video_id=number + 1)
            found['images'].append({**image, **place, 'id': new, 'frame_id': frame})
            found['annotations'] += [
                {**one, **place, 'id': next(annotation_ids), 'image_id': new}
                for one in shown[image['id']]
            ]
    return {**annotations, **found}


def forth_and_back(images: Sequence[dict]) -> Iterator[dict]:
    """0, 1, ..., n - 1, n - 1, ..., 0, 0, 1, ... for ever."""
    while True:
        yield from images
        yield from reversed(images)
