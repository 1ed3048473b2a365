"""Work in a process of its own: nothing that was there before counts."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from mmvist.engine.errors import UserError

Send = Callable[[Any], None]


def sent_by(
    task: Callable[..., None],
    *arguments: Any,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Any]:
    """What a task sends while it runs in a fresh process.

    Args:
        task: Is called with the arguments and a function that sends; picklable, as are
            the arguments.
        *arguments: Of the task.
        environment: Variables that the process starts with beside those of this one.

    Raises:
        UserError: The process has not ended well.
    """
    # a fork would hang where threads of OpenMP have been at work
    context = multiprocessing.get_context('spawn')
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(task, arguments, theirs))
    with patch.dict(os.environ, environment or {}):
        process.start()
    theirs.close()
    try:
        while True:
            yield ours.recv()
    except EOFError:
        process.join()
    finally:
        process.terminate()
    if process.exitcode:
        raise UserError(
            f'{task.__name__} ended with exit code {process.exitcode}: no number'
        )


def _run(task: Callable[..., None], arguments: tuple, pipe: Connection) -> None:
    task(*arguments, pipe.send)
