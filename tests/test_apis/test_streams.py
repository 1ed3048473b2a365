"""Frames from pipes, addresses and cameras."""

import http.server
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from stream_kit import encode, moving, server, writing

from mmvist.apis import FrameSource, SourceError, open_source, video_source

FRAMES = moving(60)


@pytest.fixture(scope='module')
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('video') / 'a.ts'
    encode(path, FRAMES)
    return path


def assert_same(frames: list[np.ndarray], others: list[np.ndarray]) -> None:
    assert len(frames) == len(others)
    for a, b in zip(frames, others):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('kind', ['mpegts', 'matroska'])
def test_a_pipe_gives_the_frames_of_the_file_as_they_come(
    kind: str, tmp_path: Path
) -> None:
    """The first frame is there while the writer still holds the rest back."""
    encode(tmp_path / 'file', FRAMES, kind)
    expected = list(open_source(tmp_path / 'file'))
    with writing(tmp_path, FRAMES, kind, hold_at=45) as (fifo, go_on, gone_on):
        source = open_source(fifo)
        assert source.live and source.length is None and source.fps == 25
        frames = iter(source)
        found = [next(frames)]
        assert not gone_on.is_set(), 'the first frame came only with the rest'
        go_on.set()
        found += frames
    assert_same(found, expected)


def test_standard_input(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``-`` is descriptor 0: a pipe, or a file that a shell put there."""
    expected = list(open_source(file))
    before = os.dup(0)
    try:
        with writing(tmp_path, FRAMES) as (fifo, *_), fifo.open('rb') as pipe:
            os.dup2(pipe.fileno(), 0)
            source = open_source('-')
            assert source.live and source.name == 'standard input'
            assert_same(list(source), expected)
        with file.open('rb') as handle:
            os.dup2(handle.fileno(), 0)
            source = open_source('-')
            assert not source.live
            assert_same(list(source), expected)
        master, slave = os.openpty()
        os.dup2(slave, 0)
        with pytest.raises(SourceError, match='standard input is a terminal'):
            open_source('-')
        os.close(master), os.close(slave)
    finally:
        os.dup2(before, 0)
        os.close(before)


def test_a_stop_wakes_who_waits_for_a_silent_pipe(tmp_path: Path) -> None:
    with writing(tmp_path, FRAMES, hold_at=45) as (fifo, *_):
        source = open_source(fifo)
        frames = iter(source)
        found = [next(frames)]
        threading.Timer(0.5, source.stop).start()
        start = time.monotonic()
        found += frames
        assert len(found) <= 45
        assert time.monotonic() - start < 20, 'until the writer gave up'


def test_a_stop_ends_any_source() -> None:
    source = open_source(FRAMES)
    found = []
    for frame in source:
        found.append(frame)
        if len(found) == 3:
            source.stop()
    assert len(found) == 3


def test_who_joins_in_the_middle_waits_for_a_key_frame(
    file: Path, tmp_path: Path
) -> None:
    """The first packets cannot be decoded: no error, and then whole frames."""
    expected = list(open_source(file))
    content = file.read_bytes()
    cut = 188 * (len(content) // 188 // 3)
    (tmp_path / 'part.ts').write_bytes(content[cut:])
    os.mkfifo(tmp_path / 'fifo')
    threading.Thread(
        target=lambda: (tmp_path / 'fifo').write_bytes(content[cut:]), daemon=True
    ).start()
    found = list(open_source(tmp_path / 'fifo'))
    assert 10 < len(found) < 50
    assert_same(found, expected[-len(found) :])


def test_http(file: Path) -> None:
    handler: Callable[..., Any] = partial(Quiet, directory=str(file.parent))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        source = open_source(f'http://127.0.0.1:{httpd.server_port}/{file.name}')
        assert source.live and source.length is None
        assert_same(list(source), list(open_source(file)))
        with pytest.raises(SourceError, match='cannot be opened: .*404') as error:
            open_source(f'http://127.0.0.1:{httpd.server_port}/none.ts')
        assert '\n' not in str(error.value)
        httpd.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_a_silent_address_breaks_off(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_source, 'TIMEOUT', 2.0)
    content = file.read_bytes()
    count = 0
    with server(content[: 3 * len(content) // 4]) as address:
        with pytest.raises(SourceError) as error:
            for _ in open_source(address):
                count += 1
    assert 20 < count < 60
    message = f'{address} broke off after {count} frames: nothing came for 2 s'
    assert str(error.value) == message


def test_an_address_that_hangs_up_ends(file: Path) -> None:
    with server(file.read_bytes(), hang=False) as address:
        assert_same(list(open_source(address)), list(open_source(file)))


@pytest.mark.parametrize('content', [b'', b'this is no video' * 1000])
def test_a_pipe_without_a_video(content: bytes, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'fifo')
    write = partial((tmp_path / 'fifo').write_bytes, content)
    threading.Thread(target=write, daemon=True).start()
    with pytest.raises(SourceError, match='fifo is no video that FFmpeg reads'):
        open_source(tmp_path / 'fifo')


def test_nobody_answers() -> None:
    with pytest.raises(SourceError, match='tcp://127.0.0.1:1 cannot be opened: '):
        open_source('tcp://127.0.0.1:1')


class Camera:
    """Stands in for ``cv2.VideoCapture``."""

    released = 0
    device: object = None

    def __init__(self, device: object) -> None:
        Camera.device = device
        self.left = FRAMES[:3]

    def isOpened(self) -> bool:  # noqa: N802, of OpenCV
        return True

    def set(self, key: int, value: float) -> bool:
        return key == cv2.CAP_PROP_BUFFERSIZE

    def get(self, key: int) -> float:
        return 30000 / 1001 if key == cv2.CAP_PROP_FPS else 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        return (True, self.left.pop(0)) if self.left else (False, None)

    def release(self) -> None:
        Camera.released += 1


@pytest.mark.parametrize('device', [0, '0', '/dev/null'])
def test_a_camera(
    device: int | str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its index, or the path of a device; a stand-in, there is none here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    released = Camera.released
    source = open_source(device)
    assert Camera.device == (device if device == '/dev/null' else 0)
    assert source.live and source.length is None
    assert (source.fps.numerator, source.fps.denominator) == (30000, 1001)
    found = []
    with pytest.raises(SourceError, match='camera .* broke off after 3 frames'):
        for frame in source:
            found.append(frame)
    assert_same(found, FRAMES[:3])
    assert Camera.released == released + 1


def test_no_camera_is_one_line(capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(SourceError, match='camera 87 cannot be opened: there is none'):
        open_source('87')
    assert capfd.readouterr().err == ''


def test_a_folder_named_as_a_camera_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / '0').mkdir()
    cv2.imwrite('0/0.png', FRAMES[0])
    source: FrameSource = open_source('0')
    assert not source.live
    assert_same(list(source), FRAMES[:1])


def test_a_camera_tells_when_a_frame_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when its rate would have it: what comes while a model works is lost."""
    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    moments = iter([100.0, 100.4, 101.0])
    clock = SimpleNamespace(monotonic=lambda: next(moments))
    monkeypatch.setattr(video_source, 'time', clock)
    source, found = video_source.open_camera(0), []
    with pytest.raises(SourceError, match='broke off after 3 frames'):
        for _ in source:
            found.append(source.seconds)
    assert found == pytest.approx([0, 0.4, 1.0])


@pytest.mark.parametrize(
    ('told', 'said'),
    [
        ([5.0, 5.1, 5.3], [5.0, 5.1, 5.3]),
        ([5.0, 900.0, 900.2], [5.0, 5.1, 5.3]),  # set anew
        ([5.0, 1.0, 1.2], [5.0, 5.1, 5.3]),  # from the beginning
        ([5.0, None, 5.2], [5.0, None, 5.2]),
    ],
)
def test_a_stream_that_is_set_anew_goes_on(told, said) -> None:
    clock = video_source._Clock(0.1, video_source.TIMEOUT)
    found = []
    for one in told:
        clock.set(one)
        found.append(clock.seconds)
    assert [v and round(v, 6) for v in found] == said


def test_a_file_may_stand_still_for_long() -> None:
    clock = video_source._Clock(0.1, float('inf'))
    for one in (0.0, 900.0):
        clock.set(one)
    assert clock.seconds == 900
