"""Run something that may go wrong in a process of its own, and see how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from mmvist.datasets.errors import DataError
from mmvist.engine.mistakes import line_of

LOADED, REFUSED = 'loads', 'is refused in one line'
GOOD = (LOADED, REFUSED)


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Attributes:
        kind: :data:`LOADED`, :data:`REFUSED`, or what must not be: ``stack trace``,
            ``several lines``, ``outside``, ``hang``, ``memory`` or ``crash``.
        text: The line, or what tells where it happened.
    """

    kind: str
    text: str = ''


class OutsideError(BaseException):
    """A file outside of the folder was asked for."""


def run_confined(
    work: Callable[[Path], Any],
    folder: Path,
    seconds: float = 10.0,
    megabytes: int = 2048,
    file_bytes: int | None = None,
) -> Outcome:
    """Fork, call ``work(folder)``, and wait.

    Args:
        work: What is to be tried.
        folder: All that it may read beside the installation, and write.
        seconds: After these it hangs.
        megabytes: Memory beyond what the process has now.
        file_bytes: No file may grow larger, as on a disk that is full.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(work, folder, megabytes, file_bytes, writer)
    os.close(writer)
    deadline, status = time.monotonic() + seconds, None
    while status is None:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = code
        elif time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return Outcome('hang', f'over {seconds:g} s')
        else:
            time.sleep(0.002)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    return Outcome(*json.loads(told)) if told else Outcome('crash', f'status {status}')


def _child(
    work: Callable,
    folder: Path,
    megabytes: int,
    file_bytes: int | None,
    writer: int,
) -> None:
    """Never returns."""
    outcome = ('crash', '')
    try:
        with open(os.devnull, 'w') as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        pages = int(Path('/proc/self/statm').read_text().split()[0])
        limit = pages * resource.getpagesize() + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        _watch(folder.resolve())
        outcome = _outcome(work, folder)
    finally:
        with contextlib.suppress(BaseException):
            kind, text = outcome
            os.write(writer, json.dumps((kind, text[:5000])).encode())
        os._exit(0)


def _outcome(work: Callable, folder: Path) -> tuple[str, str]:
    try:
        work(folder)
    except OutsideError as error:
        return 'outside', str(error)
    except MemoryError as error:
        return 'memory', str(error)
    except RecursionError as error:
        return 'stack trace', str(error)
    except Exception as error:
        line = line_of(error, (DataError,))
        if line is None:
            return 'stack trace', f'{type(error).__name__}: {error}'
        return ('several lines' if '\n' in line.strip() else REFUSED), line
    return LOADED, ''


def _watch(folder: Path) -> None:
    """Stop at a read beside the folder, or a write anywhere else."""
    around = folder.parent
    seen = dict(on=True)

    def hook(event: str, args: tuple) -> None:
        if event != 'open' or not seen['on'] or not isinstance(args[0], (str, bytes)):
            return
        seen['on'] = False  # resolving opens nothing, but to be sure
        try:
            path = Path(os.fsdecode(args[0])).resolve()
        except (ValueError, OSError):
            return
        finally:
            seen['on'] = True
        inside = path.is_relative_to(folder)
        writes = isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        beside = path.is_relative_to(around) or str(path) == '/etc/passwd'
        if not inside and (beside or (writes and path != Path(os.devnull))):
            raise OutsideError(f'{"wrote" if writes else "read"} {path}')

    sys.addaudithook(hook)
    decode = cv2.imread

    def imread(name: str, *args: Any) -> Any:
        sys.audit('open', name, 'r', 0)
        return decode(name, *args)

    cv2.imread = imread
