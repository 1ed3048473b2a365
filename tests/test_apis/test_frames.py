"""Frames from files, folders and memory."""

import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmvist.apis import FrameSource, SourceError, open_source
from mmvist.visualization import VideoWriter


def write_video(path: Path, frames: list[np.ndarray], fps: float = 12) -> Path:
    with VideoWriter(path, fps, crf=1) as video:
        for frame in frames:
            video.write(frame)
    return path


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((48, 64, 3), 20 * k, np.uint8) for k in range(count)]


def levels(source: FrameSource) -> list[int]:
    return [round(frame.mean() / 20) for frame in source]


def test_a_video_file(tmp_path: Path) -> None:
    source = open_source(str(write_video(tmp_path / 'a.mp4', numbered(7))))
    assert (source.length, source.fps) == (7, 12)
    assert levels(source) == [0, 1, 2, 3, 4, 5, 6]


def test_a_folder_in_natural_order(tmp_path: Path) -> None:
    for k in (10, 9, 1, 0):
        cv2.imwrite(str(tmp_path / f'frame{k}.png'), np.full((8, 8, 3), 20 * k))
    (tmp_path / 'notes.txt').touch()
    (tmp_path / '.hidden.png').touch()
    source = open_source(tmp_path)
    assert source.length == 4
    assert levels(source) == [0, 1, 9, 10]


def test_an_iterable_is_read_one_by_one() -> None:
    given = []

    def camera() -> Iterator[np.ndarray]:
        for frame in numbered(5):
            given.append(frame)
            yield frame

    frames = iter(open_source(camera()))
    next(frames)
    next(frames)
    assert len(given) == 2


def test_a_list_knows_its_length_and_a_source_stays_one() -> None:
    source = open_source(numbered(3))
    assert source.length == 3
    assert open_source(source) is source


def turn(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a display matrix into the track header of an mp4."""
    data = path.read_bytes()
    start = data.index(b'tkhd')
    one = 0x10000
    plain = struct.pack('>9i', one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    a, b, c, d = (value * one for value in matrix)
    turned = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 0x40000000)
    place = data.index(plain, start)
    path.write_bytes(data[:place] + turned + data[place + len(plain) :])


@pytest.mark.parametrize(
    ('matrix', 'turns'),
    [((0, 1, -1, 0), -1), ((0, -1, 1, 0), 1), ((-1, 0, 0, -1), 2), ((1, 0, 0, 1), 0)],
)
def test_a_phone_video_stands_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], turns: int
) -> None:
    """The matrix (a, b, c, d) moves x to (a, b) and y, downwards, to (c, d)."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:20, :30] = 255
    path = write_video(tmp_path / 'a.mp4', [image] * 2)
    turn(path, matrix)
    frame = next(iter(open_source(path)))
    expected = np.rot90(image, turns)  # against the clock
    assert frame.shape == expected.shape
    assert np.abs(frame.astype(int) - expected).mean() < 3


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='does not exist'):
        open_source(tmp_path / 'a.mp4')
    with pytest.raises(SourceError, match='holds no pictures'):
        open_source(tmp_path)


@pytest.mark.parametrize('content', [b'', b'this is no video', bytes(1000)])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(SourceError, match='is no video') as error:
        open_source(tmp_path / 'a.mp4')
    assert '\n' not in str(error.value)


def test_a_video_cut_off(tmp_path: Path) -> None:
    """Without its index it cannot be opened; with it, what is there comes first."""
    frames = [
        np.random.default_rng(k).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        for k in range(30)
    ]
    path = write_video(tmp_path / 'a.mp4', frames)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    seen = 0
    try:
        for _ in open_source(path):
            seen += 1
    except SourceError as error:
        assert 'is damaged' in str(error)
    assert 0 < seen < 30


def test_a_damaged_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / '0.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / '1.png').write_bytes(b'broken')
    frames = iter(open_source(tmp_path))
    next(frames)
    with pytest.raises(SourceError, match=r'1\.png cannot be read'):
        next(frames)


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (np.zeros((8, 9, 3), np.uint8), 'frame 1 is 9 x 8, the first one 8 x 8'),
        (np.zeros((8, 8), np.uint8), r'frame 1 is no \(H, W, 3\) uint8 array'),
        (np.zeros((8, 8, 3)), r'frame 1 is no \(H, W, 3\) uint8 array'),
        ('frame.png', r'frame 1 is no \(H, W, 3\) uint8 array'),
    ],
)
def test_frames_that_are_none(second: object, message: str) -> None:
    first = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(SourceError, match=message):
        list(open_source([first, second]))


def test_a_video_of_varying_rate_tells_its_times(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.5, 0.6]
    with VideoWriter(tmp_path / 'clip.mp4', fps=10) as video:
        for seconds in times:
            video.write(np.zeros((32, 48, 3), np.uint8), seconds)
    source = open_source(tmp_path / 'clip.mp4')
    assert [source.seconds for _ in source] == pytest.approx(times)
    pictures = FrameSource([np.zeros((4, 4, 3), np.uint8)] * 2)
    assert [pictures.seconds for _ in pictures] == [None, None]
