"""Lists of sequences, ranges and splits."""

from pathlib import Path

import pytest

from mmvist.datasets import DataError
from mmvist.datasets.converters import (
    KITTI_MOTS_SPLITS,
    expand_sequences,
    read_split_file,
    sequences_of_split,
    write_split_file,
)


def test_splits_of_kitti_mots() -> None:
    train, val = KITTI_MOTS_SPLITS['train'], KITTI_MOTS_SPLITS['val']
    assert sorted(train + val) == [f'{i:04}' for i in range(21)]
    assert [int(s) for s in val] == [2, 6, 7, 8, 10, 13, 14, 16, 18]


@pytest.mark.parametrize(
    ('names', 'expanded'),
    [
        (['0003-0005', 'a'], ['0003', '0004', '0005', 'a']),
        (['8-11'], ['8', '9', '10', '11']),
        (['MOTS20-02'], ['MOTS20-02']),
    ],
)
def test_ranges(names: list[str], expanded: list[str]) -> None:
    assert expand_sequences(names) == expanded


@pytest.mark.parametrize(
    ('names', 'message'),
    [(['0005-0003'], 'runs backwards'), (['0001', '0000-0002'], '0001.*twice')],
)
def test_bad_ranges(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        expand_sequences(names)


def test_split_files(tmp_path: Path) -> None:
    path = tmp_path / 'splits/val.txt'
    write_split_file(path, ['0002', '0007'])
    assert read_split_file(path) == ['0002', '0007']
    path.write_text('# of a .seqmap\n0002 empty 000000 000233\n\n0004-0005 # more\n')
    assert read_split_file(path) == ['0002', '0004', '0005']
    path.write_text('# nothing\n')
    with pytest.raises(DataError, match='names no sequence'):
        read_split_file(path)
    with pytest.raises(DataError, match='no such split file'):
        read_split_file(tmp_path / 'none.txt')


def test_own_split_comes_before_that_of_kitti(tmp_path: Path) -> None:
    frames = tmp_path / 'frames'
    for name in ('0001', '0000'):
        (frames / name).mkdir(parents=True)
    assert sequences_of_split(tmp_path, 'all', frames) == ['0000', '0001']
    assert sequences_of_split(tmp_path, 'val', frames)[0] == '0002'
    write_split_file(tmp_path / 'splits/val.txt', ['0001'])
    assert sequences_of_split(tmp_path, 'val', frames) == ['0001']
    with pytest.raises(DataError, match=r'splits/test\.txt: no such split file'):
        sequences_of_split(tmp_path, 'test', frames)
    with pytest.raises(DataError, match='no sequences there'):
        sequences_of_split(tmp_path, 'all', tmp_path / 'none')
