"""Encoding into files, pipes and sockets while somebody reads them."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np

OPTIONS = {
    'mpegts': {'flush_packets': '1'},
    'matroska': {'flush_packets': '1', 'cluster_time_limit': '40'},
}


def moving(count: int, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """A bright square that moves over noise, 2 pixels a frame; (H, W, 3) uint8."""
    ground = np.random.default_rng(0).integers(0, 90, (*size, 3), dtype=np.uint8)
    frames = []
    for t in range(count):
        frame = ground.copy()
        left = 2 * t % (size[1] - 16)
        frame[10:26, left : left + 16] = (250, 120, 30)
        frames.append(frame)
    return frames


def encode(
    target: str | Path,
    frames: list[np.ndarray],
    kind: str = 'mpegts',
    before: Callable[[int], None] = lambda t: None,
    keyframes: int = 12,
) -> None:
    """Encode frames, 25 a second, each on its way before the next one is.

    Args:
        target: A file or a fifo.
        frames: (H, W, 3) uint8 BGR.
        kind: Container, out of ``OPTIONS``.
        before: Called with the number of each frame before it is encoded.
        keyframes: Frames from one key frame to the next.
    """
    with (
        open(target, 'wb', buffering=0) as file,  # PyAV would keep the GIL meanwhile
        av.open(file, 'w', format=kind, options=OPTIONS[kind]) as container,
    ):
        settings = {'tune': 'zerolatency', 'preset': 'ultrafast', 'g': str(keyframes)}
        stream = container.add_stream('libx264', rate=25, options=settings)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = 'yuv420p'
        for t, image in enumerate(frames):
            before(t)
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts = t
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@contextmanager
def writing(
    folder: Path, frames: list[np.ndarray], kind: str = 'mpegts', hold_at: int = 0
) -> Iterator[tuple[Path, threading.Event, threading.Event]]:
    """A fifo that another thread encodes into.

    Args:
        folder: Where it is made.
        frames: What goes in.
        kind: Container.
        hold_at: Before this frame the writer waits for the event.

    Yields:
        The fifo; the event, which is set at the end of the block at the latest; and
        another, set when the writer has gone on.
    """
    fifo = folder / 'fifo'
    go_on, gone_on = threading.Event(), threading.Event()
    os.mkfifo(fifo)

    def hold(t: int) -> None:
        if hold_at and t == hold_at:
            go_on.wait(60)
            gone_on.set()

    def write() -> None:
        try:
            encode(fifo, frames, kind, hold)
        except OSError:
            pass  # nobody reads any more

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield fifo, go_on, gone_on
    finally:
        go_on.set()
        writer.join(30)


@contextmanager
def server(content: bytes, hang: bool = True) -> Iterator[str]:
    """A ``tcp://`` address that sends some bytes, then hangs or hangs up."""
    done = threading.Event()

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                connection.sendall(content)
            except OSError:
                return
            if hang:
                done.wait(60)

    with socket.create_server(('127.0.0.1', 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f'tcp://127.0.0.1:{listener.getsockname()[1]}'
        done.set()
        thread.join(30)
