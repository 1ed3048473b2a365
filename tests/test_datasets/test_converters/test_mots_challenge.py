"""MOTSChallenge and KITTI's txt: the toy video in both, to the last pixel."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mmvist.datasets import DataError
from mmvist.datasets.converters import (
    convert_kitti_mots,
    convert_mots_challenge,
    leave_one_out,
)
from mmvist.testing import (
    TOY_IDS,
    toy_masks,
    toy_mots_txt,
    write_toy_mots,
    write_toy_mots_challenge,
)

CLASSES = {1: 'car', 2: 'pedestrian'}
SEQUENCES = ('MOTS20-02', 'MOTS20-05', 'MOTS20-09')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three sequences of the toy video, its cars among them."""
    as_it_is = {value: value for value in TOY_IDS.values()}
    return write_toy_mots_challenge(tmp_path, SEQUENCES, as_it_is)


def test_txt_gives_what_pngs_give(tmp_path: Path) -> None:
    write_toy_mots(tmp_path)
    (tmp_path / 'instances_txt').mkdir()
    (tmp_path / 'instances_txt/0000.txt').write_text(toy_mots_txt(toy_masks()))
    of_txt = convert_kitti_mots(tmp_path, ['0000'], instances='instances_txt')
    of_png = convert_kitti_mots(tmp_path, ['0000'])
    assert json.dumps(of_txt) == json.dumps(of_png)


def test_mots_challenge(root: Path) -> None:
    content = convert_mots_challenge(root, SEQUENCES[:2], CLASSES)
    assert [video['name'] for video in content['videos']] == list(SEQUENCES[:2])
    assert [image['frame_id'] for image in content['images'][:6]] == list(range(6))
    assert content['images'][0]['file_name'] == 'MOTS20-02/img1/000001.png'
    shutil.rmtree(root / 'MOTS20-02/gt')
    write_toy_mots(root / 'kitti')
    kitti = convert_kitti_mots(root / 'kitti', ['0000'])['annotations']
    assert content['annotations'][: len(kitti)] == kitti


def test_pedestrians_alone_by_default(root: Path) -> None:
    with pytest.raises(DataError, match=r'gt\.txt:1: class 1 is none of .*pedestrian'):
        convert_mots_challenge(root, SEQUENCES)


def test_folds() -> None:
    folds = leave_one_out(SEQUENCES)
    assert folds['MOTS20-05'] == (['MOTS20-02', 'MOTS20-09'], 'MOTS20-05')
    assert list(folds) == list(SEQUENCES)
    with pytest.raises(DataError, match='cannot be left out of one'):
        leave_one_out(['MOTS20-02'])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def repeat_first_line(path: Path, frame: int) -> None:
    text = path.read_text()
    path.write_text(text + f'{frame} {text.splitlines()[0].partition(" ")[2]}\n')


ONE = Path('MOTS20-02')
BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    'no seqinfo': (
        lambda r: (r / ONE / 'seqinfo.ini').unlink(),
        r'seqinfo\.ini: is missing',
    ),
    'seqinfo of another kind': (
        lambda r: (r / ONE / 'seqinfo.ini').write_text('6'),
        r'seqinfo\.ini: cannot be read \(File contains no section headers',
    ),
    'seqinfo without a section': (
        lambda r: edit(r / ONE / 'seqinfo.ini', '[Sequence]', '[Video]'),
        r"seqinfo\.ini: cannot be read \('Sequence'\)",
    ),
    'seqinfo without a key': (
        lambda r: edit(r / ONE / 'seqinfo.ini', 'imWidth', 'width'),
        r'has no seqLength, imWidth or imHeight',
    ),
    'seqinfo with a word': (
        lambda r: edit(r / ONE / 'seqinfo.ini', 'imWidth=96', 'imWidth=wide'),
        r"seqinfo\.ini: cannot be read \(invalid literal .*'wide'\)",
    ),
    'another length': (
        lambda r: edit(r / ONE / 'seqinfo.ini', 'seqLength=6', 'seqLength=7'),
        r'seqLength is 7, but .*img1 has 6 frames.*--allow-gaps',
    ),
    'another size': (
        lambda r: edit(r / ONE / 'seqinfo.ini', 'imWidth=96', 'imWidth=90'),
        r'says 90 x 64, but 000001\.png is 96 x 64',
    ),
    'no truth': (
        lambda r: (r / ONE / 'gt/gt.txt').unlink(),
        r'gt\.txt: cannot be read \(No such file',
    ),
    'no frame of a line': (
        lambda r: repeat_first_line(r / ONE / 'gt/gt.txt', frame=9),
        r'gt\.txt:14: has no frame 000009 in .*img1; add the frame',
    ),
    'frame missing': (
        lambda r: (r / ONE / 'img1/000003.png').unlink(),
        r'img1: frame 000003 is missing.*--allow-gaps',
    ),
    'mask of another size': (
        lambda r: edit(r / ONE / 'gt/gt.txt', ' 64 96 ', ' 96 64 '),
        r'gt\.txt:1: is 64 x 96, but its frame is 96 x 64',
    ),
    'no sequence': (
        lambda r: shutil.rmtree(r / ONE),
        r'MOTS20-02/img1: no such sequence folder',
    ),
}


@pytest.mark.parametrize('name', BREAKS)
def test_broken_data_is_told_in_one_line(root: Path, name: str) -> None:
    harm, message = BREAKS[name]
    harm(root)
    with pytest.raises(DataError, match=message) as caught:
        convert_mots_challenge(root, SEQUENCES, CLASSES)
    assert '\n' not in str(caught.value)
