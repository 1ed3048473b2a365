"""The two frames of a training sample of MaskTrack R-CNN: key and reference."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from mmdet.datasets.transforms import BaseFrameSample

from mmvist.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RefFrameSample(BaseFrameSample):
    """Takes frame t and another frame of its video that shows something.

    As MaskTrack R-CNN was published: the reference is drawn from all other
    annotated frames of the video, each as likely as the next. The host's
    ``UniformRefFrameSample`` draws from a range around t, from frames without
    objects too, which teach the track head nothing. The result has lists of two,
    for ``TransformBroadcaster``, with ``key_frame_flags`` [True, False]. Where no
    other frame shows anything, t is its own reference.

    Args:
        frame_range: How far from t the reference may be, in frames; None: anywhere.
        collect_video_keys: As the parent's.

    Raises:
        ValueError: ``frame_range`` is under 1.

    Example:
        >>> images = [dict(frame_id=i, instances=[dict(bbox_label=0)])
        ...           for i in range(2)]
        >>> video = dict(video_id=1, video_length=2, images=images, key_frame_id=1)
        >>> RefFrameSample()(video)['frame_id']
        [1, 0]
    """

    def __init__(
        self,
        frame_range: int | None = None,
        collect_video_keys: tuple[str, ...] = ('video_id', 'video_length'),
    ) -> None:
        if frame_range is not None and frame_range < 1:
            raise ValueError(f'frame_range is at least 1 or None, got {frame_range}')
        super().__init__(collect_video_keys=list(collect_video_keys))
        self.frame_range = frame_range

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Take two frames.

        Args:
            video_infos: ``images`` (in order, each with ``frame_id`` and
                ``instances``), the video's keys, and maybe ``key_frame_id``, the
                position of t in ``images``; without it t is drawn.

        Returns:
            Lists of two: every key of a frame, and ``key_frame_flags``.
        """
        images = video_infos['images']
        key = video_infos.get('key_frame_id')
        if key is None:
            key = int(np.random.randint(len(images)))
        others = [
            place for place in range(len(images)) if self._fits(images, key, place)
        ]
        # drawn in any case: the later draws of a sample do not hang on this one
        draw = np.random.random()
        ref = others[int(draw * len(others))] if others else key
        taken = [deepcopy(images[place]) for place in (key, ref)]
        results = self.prepare_data({**video_infos, 'images': taken}, [0, 1])
        results['key_frame_flags'] = [True, False]
        return results

    def _fits(self, images: list[dict], key: int, place: int) -> bool:
        away = abs(images[place]['frame_id'] - images[key]['frame_id'])
        if place == key or (self.frame_range is not None and away > self.frame_range):
            return False
        instances = images[place].get('instances', [])
        return any(not one.get('ignore_flag') for one in instances)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(frame_range={self.frame_range}, '
            f'collect_video_keys={self.collect_video_keys})'
        )
