"""The same videos for everyone, whatever the order of the file."""

import hashlib
from pathlib import Path

import pytest

from mmvist.datasets import DataError
from mmvist.datasets.converters import held_out_by_hash, held_out_videos

NAMES = [f'{number:010x}' for number in range(2238)]


def test_the_rule_is_the_smallest_sha256() -> None:
    # printf %s cow | sha256sum: beb134..., of dog cd6357..., of owl 10f712...
    assert held_out_by_hash(['cow', 'dog', 'owl'], 1) == ['owl']
    assert held_out_by_hash(['owl', 'dog', 'cow'], 2) == ['cow', 'owl']


def test_the_split_of_the_paper() -> None:
    held_out = held_out_videos(NAMES, 'train.json')
    assert len(held_out) == 200 and held_out == sorted(held_out)
    assert held_out_videos(NAMES[::-1], 'train.json') == held_out
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in NAMES}
    last = max(digests[name] for name in held_out)
    kept = set(NAMES) - set(held_out)
    assert len(kept) == 2038 and all(digests[name] > last for name in kept)


def test_a_video_keeps_its_place_when_others_join() -> None:
    before = held_out_videos(NAMES[:1000], 'train.json', 100)
    after = held_out_videos(NAMES, 'train.json', 100)
    assert set(after) & set(NAMES[:1000]) <= set(before)


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / 'mine.txt'
    path.write_text('dog  # of the neighbour\n\ncow\n')
    names = ['cow', 'dog', 'owl']
    assert held_out_videos(names, 'a.json', listed=path) == ['cow', 'dog']


BREAKS = {
    'another set': (
        NAMES[1:],
        {},
        'has 2237 videos, not the 2238 .* 2038 and 200; .*--held-out-count',
    ),
    'all': (['cow', 'dog'], dict(count=2), '2 of 2 videos cannot be held out'),
    'none': (['cow', 'dog'], dict(count=0), '0 of 2 videos cannot be held out'),
    'twins': (['cow', 'cow'], dict(count=1), 'two videos are named cow'),
    'unknown': (['cow', 'dog'], dict(listed='owl'), 'a.json has no video owl'),
    'whole list': (['cow'], dict(listed='cow'), '1 of 1 videos cannot be held out'),
    'no list': (['cow'], dict(listed=None), 'no such split file'),
}


@pytest.mark.parametrize('name', BREAKS)
def test_what_cannot_be_held_out(tmp_path: Path, name: str) -> None:
    names, settings, message = BREAKS[name]
    if 'listed' in settings:
        path = tmp_path / 'mine.txt'
        if settings['listed']:
            path.write_text(f'{settings["listed"]}\n')
        settings = dict(listed=path)
    with pytest.raises(DataError, match=message):
        held_out_videos(names, 'a.json', **settings)
