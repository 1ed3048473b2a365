"""Order, seeds, shares and resuming of the frame sampler."""

import itertools
import pickle
from collections import Counter
from pathlib import Path

import mmengine.dist
import pytest
from mmdet.datasets import BaseVideoDataset
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmvist.datasets import FrameIndex, VideoFrameSampler, samplers
from mmvist.testing import toy_dataset, toy_pipeline


class Videos(BaseVideoDataset):
    """A dataset that knows only how long its videos are."""

    def __init__(self, lengths: list[int], test_mode: bool = False) -> None:
        self.lengths, self.test_mode, self.ann_file = lengths, test_mode, 'x.json'

    def __len__(self) -> int:
        return len(self.lengths)

    def get_len_per_video(self, idx: int) -> int:
        return self.lengths[idx]


def shards(
    monkeypatch: pytest.MonkeyPatch, videos: Videos, world: int, **kwargs: object
) -> list[VideoFrameSampler]:
    made = []
    for rank in range(world):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda r=rank: (r, world))
        made.append(VideoFrameSampler(videos, seed=0, **kwargs))
    return made


ALL = {(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (2, 2)}
VIDEOS = Videos([3, 1, 3])


def take(sampler: VideoFrameSampler, count: int) -> list[tuple]:
    return [(*i, i.seed) for i in itertools.islice(iter(sampler), count)]


def test_an_epoch_is_every_frame_once_in_its_own_order() -> None:
    sampler = VideoFrameSampler(VIDEOS, seed=0)
    first = list(sampler)
    assert len(sampler) == len(first) == 7 and set(first) == ALL
    assert first == list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert set(second) == ALL and second != first
    seeds = [i.seed for i in first + second]
    assert len(set(seeds)) == 14


def test_an_epoch_of_clips_has_as_many_fewer_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sampler = VideoFrameSampler(Videos([30, 34]), seed=0, clip_length=8)
    first = list(sampler)
    assert len(sampler) == len(set(first)) == 8
    sampler.set_epoch(1)
    assert set(sampler) != set(first), 'others in another epoch'
    pair = shards(monkeypatch, Videos([30, 34]), 2, clip_length=8)
    assert [len(one) for one in pair] == [4, 4]
    assert {*pair[0], *pair[1]} == set(first)


def test_order_and_seeds_depend_on_the_seed() -> None:
    same = take(VideoFrameSampler(VIDEOS, seed=0), 7)
    assert take(VideoFrameSampler(VIDEOS, seed=0), 7) == same
    assert take(VideoFrameSampler(VIDEOS, seed=1), 7) != same


def test_index_is_a_pair_that_keeps_its_seed_on_the_way_to_a_worker() -> None:
    index = FrameIndex(3, 5, seed=11)
    copy = pickle.loads(pickle.dumps(index))
    assert isinstance(copy, tuple) and copy == (3, 5) and copy.seed == 11


@pytest.mark.parametrize('world', [2, 3, 4])
def test_ranks_share_an_epoch(monkeypatch: pytest.MonkeyPatch, world: int) -> None:
    parts = [list(s) for s in shards(monkeypatch, VIDEOS, world)]
    assert len({len(p) for p in parts}) == 1
    counts = Counter(itertools.chain(*parts))
    assert set(counts) == ALL
    assert sum(counts.values()) == -(-7 // world) * world


@pytest.mark.parametrize('infinite', [False, True])
def test_a_sample_is_the_same_on_any_number_of_ranks(
    monkeypatch: pytest.MonkeyPatch, infinite: bool
) -> None:
    alone = take(shards(monkeypatch, VIDEOS, 1, infinite=infinite)[0], 6)
    two = [take(s, 3) for s in shards(monkeypatch, VIDEOS, 2, infinite=infinite)]
    assert [two[i % 2][i // 2] for i in range(6)] == alone


def test_infinite_goes_through_the_epochs() -> None:
    endless = take(VideoFrameSampler(VIDEOS, seed=0, infinite=True), 21)
    finite = VideoFrameSampler(VIDEOS, seed=0)
    for epoch in range(3):
        finite.set_epoch(epoch)
        assert endless[7 * epoch : 7 * epoch + 7] == take(finite, 7)


@pytest.mark.parametrize('world', [1, 2])
@pytest.mark.parametrize('skip', [0, 3, 7, 12])
def test_infinite_skip_is_exact(
    monkeypatch: pytest.MonkeyPatch, world: int, skip: int
) -> None:
    whole = shards(monkeypatch, VIDEOS, world, infinite=True)[-1]
    resumed = shards(monkeypatch, VIDEOS, world, infinite=True)[-1]
    # what MMEngine calls on resume, in this order
    resumed.set_epoch(0)
    resumed.skip(skip)
    assert take(resumed, 10) == take(whole, skip + 10)[skip:]


def test_finite_skip_goes_on_within_and_after_the_epoch() -> None:
    sampler = VideoFrameSampler(VIDEOS, seed=0)
    epochs = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        epochs.append(take(sampler, 99))
    resumed = VideoFrameSampler(VIDEOS, seed=0)
    resumed.set_epoch(0)
    resumed.skip(7 + 4)
    assert take(resumed, 99) == epochs[1][4:]
    resumed.set_epoch(1)  # the loop counts from where it started
    assert take(resumed, 99) == epochs[2]


def test_an_iterator_that_is_dropped_does_not_eat_the_skip() -> None:
    # a DataLoader with persistent workers makes two before it uses one
    sampler = VideoFrameSampler(VIDEOS, seed=0)
    whole = take(sampler, 7)
    sampler.skip(3)
    iter(sampler)
    assert take(sampler, 7) == whole[3:]


def test_negative_skip_is_refused() -> None:
    with pytest.raises(ValueError, match='negative'):
        VideoFrameSampler(VIDEOS, seed=0).skip(-1)


@pytest.mark.parametrize(
    ('lengths', 'world', 'shares'),
    [
        ([3, 1, 3], 1, [[0, 1, 2]]),
        ([3, 1, 3], 2, [[0, 1], [2]]),
        ([9, 2, 3, 4], 2, [[0], [1, 2, 3]]),
        ([3, 1], 3, [[0], [1], []]),
    ],
)
def test_testing_shares_whole_videos(
    monkeypatch: pytest.MonkeyPatch,
    lengths: list[int],
    world: int,
    shares: list[list[int]],
) -> None:
    made = shards(monkeypatch, Videos(lengths, test_mode=True), world)
    expected = [[(v, f) for v in share for f in range(lengths[v])] for share in shares]
    assert [list(s) for s in made] == expected
    assert [len(s) for s in made] == [len(e) for e in expected]


def test_testing_is_never_infinite() -> None:
    sampler = VideoFrameSampler(Videos([2], test_mode=True), seed=0, infinite=True)
    assert list(sampler) == [(0, 0), (0, 1)]


def test_loader_of_a_rank_without_videos_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    videos = Videos([2], test_mode=True)
    assert list(DataLoader(videos, sampler=shards(monkeypatch, videos, 2)[1])) == []


def test_no_frames_and_wrappers_are_refused() -> None:
    with pytest.raises(ValueError, match='no frame to train on'):
        VideoFrameSampler(Videos([]), seed=0)
    with pytest.raises(TypeError, match='needs a video dataset'):
        VideoFrameSampler([1, 2, 3], seed=0)


def test_seed_is_shared_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samplers, 'sync_random_seed', lambda: 5)
    drawn, given = VideoFrameSampler(VIDEOS), VideoFrameSampler(VIDEOS, seed=5)
    assert take(drawn, 7) == take(given, 7)
    assert samplers.get_dist_info is mmengine.dist.get_dist_info


@pytest.mark.parametrize('workers', [0, 1])
def test_loader_resumed_gives_what_it_would_have_given(
    toy_root: Path, workers: int
) -> None:
    def loader() -> DataLoader:
        pipeline = toy_pipeline(flip_prob=0.5, first_frame_prob=0.5)
        return Runner.build_dataloader(
            dict(
                batch_size=2,
                num_workers=workers,
                sampler=dict(type='mmvist.VideoFrameSampler', infinite=True),
                dataset=toy_dataset(toy_root, pipeline=pipeline),
            ),
            seed=3,
        )

    def facts(batch: dict) -> list[tuple]:
        frames = [s.video_data_samples[1] for s in batch['data_samples']]
        return [(f.frame_id, f.flip, f.is_first) for f in frames]

    whole = [facts(b) for b in itertools.islice(loader(), 8)]
    resumed = loader()
    resumed.sampler.skip(5 * 2)
    assert [facts(b) for b in itertools.islice(resumed, 3)] == whole[5:]
    flips = {flip for batch in whole for _, flip, _ in batch}
    assert flips == {False, True}
