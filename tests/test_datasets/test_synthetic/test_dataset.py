"""The set on the disk."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvist.datasets import DataError, MOTSDataset
from mmvist.datasets.converters import (
    convert_kitti_mots,
    sequences_of_split,
    write_json,
)
from mmvist.datasets.synthetic import (
    iter_clips,
    make_clip,
    read_report,
    write_synthetic,
)

SMALL = dict(train_clips=2, val_clips=1, frames=6, width=96, height=64, seed=3)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('data') / 'synthetic'
    splits = write_synthetic(root, **SMALL)
    assert splits == dict(train=['0000', '0001'], val=['0002'])
    return root


def test_files_hold_the_clips(root: Path) -> None:
    clip = make_clip((3, 1, 0), 6, 96, 64)
    for t in range(6):
        name = f'0002/{t:06}.png'
        frame = cv2.imread(str(root / 'training/image_02' / name))
        np.testing.assert_array_equal(frame[..., ::-1], clip.frames[t])
        mask = cv2.imread(str(root / 'instances' / name), cv2.IMREAD_UNCHANGED)
        assert mask.dtype == np.uint16
        np.testing.assert_array_equal(mask, clip.masks[t])
    assert read_report(root, ['0002']) == clip.report


def test_goes_through_converter_and_dataset(root: Path, tmp_path: Path) -> None:
    sequences = sequences_of_split(root, 'train', root / 'training/image_02')
    path = write_json(convert_kitti_mots(root, sequences), tmp_path / 'train.json')
    dataset = MOTSDataset(ann_file=str(path))
    assert [dataset.get_len_per_video(v) for v in range(len(dataset))] == [6, 6]
    assert all(i['instances'] for i in dataset.get_data_info(0)['images'])


def test_workers_make_no_difference() -> None:
    counts = dict(train=2, val=1)
    pairs = zip(
        iter_clips(counts, 3, 64, 64, workers=1),
        iter_clips(counts, 3, 64, 64, workers=2),
        strict=True,
    )
    for one, two in pairs:
        assert one[:2] == two[:2]
        np.testing.assert_array_equal(one[2].frames, two[2].frames)


def test_folder_in_use_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match='is not empty; give a new folder'):
        write_synthetic(root, **SMALL)


@pytest.mark.parametrize(
    'change', [dict(frames=0), dict(seed=-1), dict(width=32), dict(workers=0)]
)
def test_bad_numbers(tmp_path: Path, change: dict) -> None:
    with pytest.raises(DataError, match='synthetic clips: '):
        write_synthetic(tmp_path / 'new', **{**SMALL, **change})
    assert not (tmp_path / 'new').exists()
