"""Groups of processes without a GPU, on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch.distributed as dist
import torch.multiprocessing as mp


def run_group(size: int, work: Callable[..., None], *args: Any) -> None:
    """Run ``work(rank, *args)`` in processes that a runner joins by gloo.

    Args:
        size: How many.
        work: A function of a test module; what it leaves goes to files.
        *args: What it takes besides.

    Raises:
        ProcessRaisedException: One of them fails.
    """
    with forked_from_one(work.__module__) as method:
        mp.start_processes(
            _enter, (size, free_port(), work, args), nprocs=size, start_method=method
        )


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


@contextmanager
def forked_from_one(module: str) -> Iterator[str]:
    """A way of starting that imports torch and mmvist once for all processes."""
    before = os.environ.copy()
    os.environ.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    mp.get_context('forkserver').set_forkserver_preload(['mmvist', module])
    yield 'forkserver'
    os.environ.clear()
    os.environ.update(before)


def _enter(rank: int, size: int, port: int, work: Callable, args: tuple) -> None:
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(size),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )
    work(rank, *args)
    dist.barrier()
    dist.destroy_process_group()
