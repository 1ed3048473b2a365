"""The three frames of a training sample, out of MMTracking's dataset."""

from __future__ import annotations

from typing import Any

from mmtrack.datasets import YouTubeVISDataset

from mmvist.datasets import AdjacentFrameSample
from mmvist.registry import DATASETS


@DATASETS.register_module()
class AdjacentYouTubeVISDataset(YouTubeVISDataset):
    """MMTracking's ``YouTubeVISDataset`` that samples t with t-1 and t+1.

    MMTracking samples inside the dataset, so the rules of
    :class:`~mmvist.datasets.AdjacentFrameSample` (first frames, lost instances with
    the box of the whole object moved on) come in here; everything else is the
    parent's. Its own ``method='bilateral_uniform'`` with ``frame_range=[-1, 1]``
    works too, without lost instances and without drawn first frames.

    Args:
        *args: As the parent's.
        filter_cfg: As the parent's; the default keeps frames without instances,
            whose known instances have just vanished.
        ref_img_sampler: Arguments of ``AdjacentFrameSample``; None for one frame a
            sample, as in testing.
        **kwargs: As the parent's; ``dataset_version`` is the year of its class list.

    Example:
        >>> ref_img_sampler = dict(first_frame_prob=0.1, max_age=5)
    """

    def __init__(
        self,
        *args: Any,
        ref_img_sampler: dict | None = None,
        filter_cfg: dict | None = None,
        **kwargs: Any,
    ) -> None:
        # checked now: the parent would find a wrong name at the first sample
        self._sample = AdjacentFrameSample(**(ref_img_sampler or {}))
        super().__init__(
            *args,
            ref_img_sampler=ref_img_sampler,
            filter_cfg=filter_cfg or dict(filter_empty_gt=False),
            **kwargs,
        )

    def ref_img_sampling(self, idx: int, data_info: dict, **options: Any) -> list[dict]:
        """Sample the frames around one.

        Args:
            idx: Index of t among the frames that are kept.
            data_info: Frame t.
            **options: ``ref_img_sampler``, settled when the dataset was made.

        Returns:
            t, t-1, t+1, the order that ``PackTrackInputs`` reads with one key
            frame. A copy of t stands where a neighbour is absent or left out;
            instances of t-1 have an ``age``.
        """
        position, images = self._frames_around(idx, data_info)
        taken = self._sample.take(images, position)
        for frame, ages in zip(taken.frames, taken.ages):
            for instance in frame['instances']:
                instance['age'] = ages[instance['instance_id']]
            frame.setdefault('sample_idx', data_info['sample_idx'])
        before, now, after = taken.frames
        return [now, before, after]

    def _frames_around(self, idx: int, data_info: dict) -> tuple[int, list[dict]]:
        """The frames that a sample may need, and the position of t among them."""
        first = max(data_info['frame_id'] - 1 - self._sample.reach, 0)
        last = min(data_info['frame_id'] + 1, data_info['video_length'] - 1)
        at = self.valid_data_indices[idx]
        frames = [
            self._get_ori_data_info(at + number - data_info['frame_id'])
            for number in range(first, last + 1)
        ]
        return data_info['frame_id'] - first, frames
