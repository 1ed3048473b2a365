"""Frames of testing: read, or told why not."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvist.datasets import DataError
from mmvist.datasets.frame_size import MAX_PIXELS
from mmvist.datasets.transforms import LoadFrame

SIZE = (96, 128)


def picture() -> np.ndarray:
    """Smooth, with some noise: a JPEG of it has data throughout."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    smooth = cv2.resize(rough, SIZE[::-1]).astype(int)
    return np.clip(smooth + rng.integers(-9, 10, smooth.shape), 0, 255).astype(np.uint8)


def load(path: Path, size: tuple = SIZE) -> dict:
    known = dict(img_path=str(path), height=size[0], width=size[1])
    return LoadFrame().transform(known)


@pytest.fixture(params=['.jpg', '.png'])
def path(request, tmp_path: Path) -> Path:
    found = tmp_path / f'frame{request.param}'
    assert cv2.imwrite(str(found), picture())
    return found


def test_a_whole_file_is_read(path: Path) -> None:
    found = load(path)
    assert found['unreadable'] == ''
    assert np.array_equal(found['img'], cv2.imread(str(path)))


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _hole(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + content[middle + 500 :]


def _noise(content: bytes) -> bytes:
    changed = bytearray(content)
    for place in np.random.default_rng(1).integers(800, len(content) - 12, 200):
        changed[place] ^= 0x5A
    return bytes(changed)


@pytest.mark.parametrize('side', [12_000, 30_000])
def test_a_header_that_promises_a_huge_picture_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    """Nothing is decoded, for which memory would be asked for first."""
    path = tmp_path / 'frame.png'
    cv2.imwrite(str(path), picture())
    content = path.read_bytes()
    header = b'IHDR' + struct.pack('>II', side, side) + content[24:29]
    spoilt = content[:12] + header + struct.pack('>I', zlib.crc32(header))
    path.write_bytes(spoilt + content[33:])
    monkeypatch.setattr('mmcv.imfrombytes', None)
    found = load(path)
    assert found['unreadable'] and not found['img'].any()


@pytest.mark.parametrize('harm', [_half, _hole, _noise])
def test_a_damaged_one_is_black_and_says_why(path: Path, harm) -> None:
    path.write_bytes(harm(path.read_bytes()))
    found = load(path)
    assert found['unreadable']
    assert found['img'].shape == (*SIZE, 3) and not found['img'].any()
    assert found['ori_shape'] == SIZE


def test_what_is_missing_or_no_file(tmp_path: Path) -> None:
    assert 'No such file' in load(tmp_path / 'none.png')['unreadable']
    os.mkfifo(tmp_path / 'pipe.png')
    assert 'is no file' in load(tmp_path / 'pipe.png')['unreadable']


@pytest.mark.parametrize('size', [(-5, 8), (8, '8'), (MAX_PIXELS, 2), (0, 3)])
def test_a_size_that_no_frame_has_is_refused(tmp_path: Path, size: tuple) -> None:
    with pytest.raises(DataError, match=r'none\.png: '):
        load(tmp_path / 'none.png', size)
