"""The consecutive frames of a training clip."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from mmdet.datasets.transforms import BaseFrameSample

from mmvist.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ConsecutiveFrameSample(BaseFrameSample):
    """Takes a clip of consecutive frames around frame t, for TrackR-CNN.

    Near the start or the end of the video the clip is moved, so that it stays in it;
    only where there are too few frames the last one is repeated. A jump of
    ``frame_id`` (a missing frame) counts as an end of the video. The result has lists
    of ``num_frames``, for ``TransformBroadcaster``; ``key_frame_flags`` is True for
    t.

    Args:
        num_frames: Length of the clip.
        collect_video_keys: As the parent's.

    Raises:
        ValueError: ``num_frames`` is under 1.

    Example:
        >>> images = [dict(frame_id=i, instances=[]) for i in range(9)]
        >>> video = dict(video_id=1, video_length=9, images=images, key_frame_id=8)
        >>> ConsecutiveFrameSample(num_frames=4)(video)['frame_id']
        [5, 6, 7, 8]
    """

    def __init__(
        self,
        num_frames: int = 8,
        collect_video_keys: tuple[str, ...] = ('video_id', 'video_length'),
    ) -> None:
        if num_frames < 1:
            raise ValueError(
                f'ConsecutiveFrameSample: num_frames is at least 1, got {num_frames}'
            )
        super().__init__(collect_video_keys=list(collect_video_keys))
        self.num_frames = num_frames

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Take a clip.

        Args:
            video_infos: ``images`` (in order, each with ``frame_id``), the video's
                keys, and maybe ``key_frame_id``, the position of t in ``images``;
                without it t is drawn.

        Returns:
            Lists of ``num_frames``: every key of a frame, and ``key_frame_flags``.
        """
        images = video_infos['images']
        key = video_infos.get('key_frame_id')
        if key is None:
            key = int(np.random.randint(len(images)))
        taken = self.positions([image['frame_id'] for image in images], key)
        # Copies, since a frame may be there twice.
        frames = [deepcopy(images[position]) for position in taken]
        video = {**video_infos, 'images': frames}
        results = self.prepare_data(video, list(range(self.num_frames)))
        flags = [False] * self.num_frames
        flags[taken.index(key)] = True
        results['key_frame_flags'] = flags
        return results

    def positions(self, frame_ids: list[int], key: int) -> list[int]:
        """Positions of the frames of the clip around the one at ``key``."""
        first = last = key
        while first > 0 and frame_ids[first - 1] == frame_ids[first] - 1:
            first -= 1
        while last + 1 < len(frame_ids) and frame_ids[last + 1] == frame_ids[last] + 1:
            last += 1
        start = min(key - self.num_frames // 2, last + 1 - self.num_frames)
        start = max(start, first)
        return [min(start + step, last) for step in range(self.num_frames)]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_frames={self.num_frames}, '
            f'collect_video_keys={self.collect_video_keys})'
        )
