"""The three frames of a training sample: t-1, t and t+1."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.datasets.transforms import BaseFrameSample

from mmvist.registry import TRANSFORMS
from mmvist.structures.motion import Motion, move_on

HISTORY = 12
"""Frames before an instance was lost that tell its size and velocity."""


@dataclass(frozen=True)
class AdjacentFrames:
    """What :meth:`AdjacentFrameSample.take` takes.

    Attributes:
        frames: t-1, t and t+1, or a copy of t.
        ages: Of each frame, instance id to age.
        is_first: Nothing is known before t.
        has_next: t+1 exists.
    """

    frames: list[dict]
    ages: list[dict[int, int]]
    is_first: bool
    has_next: bool


@TRANSFORMS.register_module()
class AdjacentFrameSample(BaseFrameSample):
    """Takes frame t with its direct neighbours, for eq. (1) of the VAE-VIST paper.

    The observation xi_t needs F_t, F_{t-1} and the instances of t-1; the
    auxiliary branch needs F_{t+1}. The host's ``UniformRefFrameSample`` promises
    neither neighbour, and finds the key frame wrongly where a frame is taken
    twice. The result has lists of three, for ``TransformBroadcaster``:

    - ``key_frame_flags``: [False, True, False].
    - ``is_first``: frame t has no predecessor, or it was drawn with
      ``first_frame_prob``. Then the frame at t-1 is a copy of t, without
      instances (those of t would give the answer away).
    - ``has_next``: t+1 exists; otherwise a copy of t stands there.
    - ``instance_ages``: dict from instance id to age. On frame t-1 the
      ``instances`` are those of t-1 (age 0), then those absent at t-1 and last
      seen 1 to ``max_age`` frames before it, with their last mask and with the box
      of the whole object moved on (:class:`~mmvist.structures.motion.Motion`): what
      a tracker still remembers as lost. Elsewhere every age is 0.

    A jump of ``frame_id`` (a missing frame) counts as an end of the video. Pack
    with ``PackTrackInputs(meta_keys=('is_first', 'has_next', 'instance_ages'))``.

    Args:
        first_frame_prob: Chance that a sample plays the start of a video.
        max_age: Frames that a lost instance is remembered; 0 for none.
        collect_video_keys: As the parent's.

    Example:
        >>> images = [dict(frame_id=i, instances=[]) for i in range(3)]
        >>> video = dict(video_id=1, video_length=3, images=images, key_frame_id=2)
        >>> sample = AdjacentFrameSample(first_frame_prob=0)(video)
        >>> sample['frame_id'], sample['has_next'][1]
        ([1, 2, 2], False)
    """

    def __init__(
        self,
        first_frame_prob: float = 0.1,
        max_age: int = 5,
        collect_video_keys: tuple[str, ...] = ('video_id', 'video_length'),
    ) -> None:
        if not 0 <= first_frame_prob <= 1 or max_age < 0:
            raise ValueError(
                'AdjacentFrameSample: first_frame_prob must be in [0, 1] and '
                f'max_age at least 0, got {first_frame_prob} and {max_age}'
            )
        super().__init__(collect_video_keys=list(collect_video_keys))
        self.first_frame_prob = first_frame_prob
        self.max_age = max_age

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Take three frames.

        Args:
            video_infos: ``images`` (in order, each with ``frame_id`` and
                ``instances``), the video's keys, and maybe ``key_frame_id``, the
                position of t in ``images``; without it t is drawn.

        Returns:
            Lists of three: every key of a frame, and those named above.
        """
        images = video_infos['images']
        key = video_infos.get('key_frame_id')
        if key is None:
            key = int(np.random.randint(len(images)))
        taken = self.take(images, key)
        video = {**video_infos, 'images': taken.frames}
        results = self.prepare_data(video, [0, 1, 2])
        results['key_frame_flags'] = [False, True, False]
        results['is_first'] = [taken.is_first] * 3
        results['has_next'] = [taken.has_next] * 3
        results['instance_ages'] = taken.ages
        return results

    def take(self, images: list[dict], key: int) -> AdjacentFrames:
        """The frames around the one at position ``key``.

        Args:
            images: Frames in order; enough of them that the neighbours of t and
                :attr:`reach` frames before t-1 are there, where the video has them.
            key: Position of t.

        Returns:
            Copies; ``images`` stays as it is.
        """
        has_next = self._adjacent(images, key)
        is_first = not self._adjacent(images, key - 1)
        # drawn in any case: the later draws of a sample do not hang on this one
        is_first |= bool(np.random.random() < self.first_frame_prob)

        frames = [key if is_first else key - 1, key, key + 1 if has_next else key]
        taken = [deepcopy(images[frame]) for frame in frames]
        for frame in taken:
            frame.setdefault('instances', [])
        ages: list[dict[int, int]] = [
            {inst['instance_id']: 0 for inst in frame['instances']} for frame in taken
        ]
        if is_first:
            taken[0]['instances'], ages[0] = [], {}
        else:
            lost, ages_of_lost = self._lost(images, key - 1)
            taken[0]['instances'] += lost
            ages[0].update(ages_of_lost)
        return AdjacentFrames(taken, ages, is_first, has_next)

    @staticmethod
    def _adjacent(images: list[dict], first: int) -> bool:
        """Whether the frame after position ``first`` directly follows it."""
        if not 0 <= first < len(images) - 1:
            return False
        return images[first + 1]['frame_id'] == images[first]['frame_id'] + 1

    @property
    def reach(self) -> int:
        """Frames before t-1 that a sample looks at."""
        return self.max_age + HISTORY if self.max_age else 0

    def _lost(self, images: list[dict], last: int) -> tuple[list[dict], dict[int, int]]:
        """Instances absent at position ``last`` but seen shortly before it."""
        known = {inst['instance_id'] for inst in images[last]['instances']}
        lost, ages = [], {}
        for age in range(1, self.max_age + 1):
            if not self._adjacent(images, last - age):
                break
            for inst in images[last - age]['instances']:
                if inst['instance_id'] not in known and not inst.get('ignore_flag'):
                    known.add(inst['instance_id'])
                    lost.append(self._moved_on(inst, images, last - age, age))
                    ages[inst['instance_id']] = age
        return lost, ages

    @staticmethod
    def _moved_on(inst: dict, images: list[dict], seen: int, age: int) -> dict:
        """A copy of ``inst`` of position ``seen``, its box ``age`` frames later."""
        boxes = [torch.tensor([inst['bbox']], dtype=torch.float64)]
        for frame in range(seen - 1, max(seen - HISTORY, 0) - 1, -1):
            twins = [
                other
                for other in images[frame]['instances']
                if other['instance_id'] == inst['instance_id']
            ]
            if not twins or not AdjacentFrameSample._adjacent(images, frame):
                break
            boxes.insert(0, torch.tensor([twins[0]['bbox']], dtype=torch.float64))
        motion, always = Motion.start(boxes[0]), torch.ones(1, dtype=torch.bool)
        for before, box in zip(boxes, boxes[1:], strict=False):
            motion = motion.seen(box, before, always)
        size = images[seen].get('height', np.inf), images[seen].get('width', np.inf)
        box = motion.whole(boxes[-1])
        for _ in range(age):
            box = move_on(box, motion.known(), size)
        moved = deepcopy(inst)
        moved['bbox'] = box[0].tolist()
        return moved

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(first_frame_prob={self.first_frame_prob}, '
            f'max_age={self.max_age}, '
            f'collect_video_keys={self.collect_video_keys})'
        )
