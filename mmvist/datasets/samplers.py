"""One frame a sample: seeded when training, whole videos a rank when testing."""

import random
from collections.abc import Iterator

from mmdet.datasets import BaseVideoDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmvist.datasets.rng import mix_seed
from mmvist.registry import DATA_SAMPLERS


class FrameIndex(tuple):
    """``(video index, frame index)`` and the seed of this sample's random draws.

    Attributes:
        seed: Made from the sampler's seed, the epoch and the position in it.
    """

    seed: int

    def __new__(cls, video: int, frame: int, seed: int) -> 'FrameIndex':
        index = super().__new__(cls, (video, frame))
        index.seed = seed
        return index

    def __getnewargs__(self) -> tuple[int, int, int]:
        """Let the seed travel to the worker processes."""
        return self[0], self[1], self.seed


def share_out(lengths: list[int], num_ranks: int) -> list[list[int]]:
    """Give whole videos to ranks so that all get about as many frames.

    Args:
        lengths: Number of frames of each video.
        num_ranks: Number of ranks; may exceed the number of videos.

    Returns:
        For each rank its video indices in rising order, maybe none.
    """
    shares: list[list[int]] = [[] for _ in range(num_ranks)]
    loads = [0] * num_ranks
    # longest first onto the rank with the least: at most 4/3 of the best split
    for video in sorted(range(len(lengths)), key=lambda v: (-lengths[v], v)):
        rank = loads.index(min(loads))
        shares[rank].append(video)
        loads[rank] += lengths[video]
    return [sorted(share) for share in shares]


@DATA_SAMPLERS.register_module()
class VideoFrameSampler(Sampler):
    """Samples single frames of a video dataset.

    Training: all ``(video, frame)`` pairs in an order that depends on seed and
    epoch, split over the ranks. Each index is a :class:`FrameIndex`, from which
    :class:`~mmvist.datasets.MOTSDataset` seeds the augmentation of this sample
    alone; so a sample is the same whichever worker or rank prepares it, and
    after a resume.

    Testing (``dataset.test_mode``): each rank gets whole videos, frame by frame
    in order. Unlike the host's ``TrackImgSampler`` it balances frames, not
    videos, and leaves ranks empty where there are fewer videos than ranks.

    Args:
        dataset: A :class:`mmdet.datasets.BaseVideoDataset`.
        seed: The same on all ranks; None draws one and shares it.
        infinite: Never stop, one epoch after the other, as iteration-based
            loops want it: then :meth:`skip` resumes exactly for every batch
            size. The default stops after each epoch, padded to a multiple of
            the number of ranks.

    Raises:
        TypeError: If ``dataset`` is a wrapper: none of the host's takes pairs.
        ValueError: If there is no frame to train on.

    Example:
        >>> train_dataloader = dict(
        ...     sampler=dict(type='mmvist.VideoFrameSampler', infinite=True))
    """

    def __init__(
        self,
        dataset: BaseVideoDataset,
        seed: int | None = None,
        infinite: bool = False,
        clip_length: int = 1,
    ) -> None:
        if not isinstance(dataset, BaseVideoDataset):
            raise TypeError(
                'VideoFrameSampler needs a video dataset such as '
                f'mmvist.MOTSDataset, but got {type(dataset).__name__}'
            )
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.test_mode = dataset.test_mode
        self.infinite = infinite and not self.test_mode
        self.epoch = 0
        self._skipped_epochs = 0
        self._start = 0
        lengths = [dataset.get_len_per_video(v) for v in range(len(dataset))]
        videos = range(len(lengths))
        if self.test_mode:
            videos = share_out(lengths, self.world_size)[self.rank]
        self.frames = [(v, f) for v in videos for f in range(lengths[v])]
        if self.test_mode:
            self.num_samples = len(self.frames)
            return
        if not self.frames:
            raise ValueError(
                f'no frame to train on in {dataset.ann_file!r}: check ann_file, '
                'filter_cfg and classes'
            )
        self.num_samples = -(-len(self.frames) // (self.world_size * clip_length))

    def __len__(self) -> int:
        """Number of samples of this rank in one epoch."""
        return self.num_samples

    def __iter__(self) -> Iterator[tuple[int, int]]:
        if self.test_mode:
            yield from self.frames
            return
        # a generator on purpose: a DataLoader may make iterators that it drops
        start, self._start = self._start, 0
        if self.infinite:
            yield from self._endless(start)
        else:
            epoch = self._skipped_epochs + self.epoch
            order = self._order(epoch)
            for i in range(start, self.num_samples):
                yield self._index(order, epoch, i * self.world_size + self.rank)

    def _endless(self, start: int) -> Iterator[FrameIndex]:
        """The epochs as one stream, dealt out to the ranks one by one."""
        order_of, order = -1, []
        position = start * self.world_size + self.rank
        while True:
            epoch, in_epoch = divmod(position, len(self.frames))
            if epoch != order_of:
                order_of, order = epoch, self._order(epoch)
            yield self._index(order, epoch, in_epoch)
            position += self.world_size

    def _order(self, epoch: int) -> list[tuple[int, int]]:
        frames = list(self.frames)
        random.Random(mix_seed(self.seed, epoch)).shuffle(frames)
        return frames

    def _index(
        self, order: list[tuple[int, int]], epoch: int, position: int
    ) -> FrameIndex:
        # positions past the end pad the last ranks with the first frames again
        video, frame = order[position % len(order)]
        return FrameIndex(video, frame, mix_seed(self.seed, epoch, position))

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next iterator; an endless stream needs none."""
        self.epoch = epoch

    def skip(self, num_samples: int) -> None:
        """Start where an uninterrupted run stands after so many samples.

        MMEngine's iteration-based loop calls this on resume with iterations
        times batch size. That count is exact when ``infinite``; otherwise only
        if batches divide an epoch, since the last batch of each may be short.

        Args:
            num_samples: Samples of this rank consumed since the very start.

        Raises:
            ValueError: If ``num_samples`` is negative.
        """
        if num_samples < 0:
            raise ValueError(f'cannot skip {num_samples} samples: it is negative')
        if self.infinite:
            self._start = num_samples
        else:
            self._skipped_epochs, self._start = divmod(num_samples, len(self))
