"""Long work in steps, each a tool in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from rich.console import Console

from mmvist.files import whole_file

from .errors import INCOMPLETE, UserError

# the hosts warn of much that a newcomer can do nothing about
QUIET = {**os.environ, 'PYTHONWARNINGS': 'ignore', 'PYTHON': sys.executable}


def duration(seconds: float) -> str:
    """Time for people: 75 -> '1:15', 3725 -> '1:02:05'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'


@dataclass
class Usage:
    """What a process has taken.

    Attributes:
        seconds: Of the clock.
        memory: Most resident memory of it or of one of its own processes, in MB;
            0 where the system does not say.
    """

    seconds: float
    memory: float


class Steps:
    """Announces the steps and says how long each took.

    Args:
        console: Where to write.
        total: Number of steps.
        tools: Folder of the tools.
        environment: Variables of the processes beside those of this one.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        tools: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.console, self.total, self.tools = console, total, tools
        self.environment = {**QUIET, **(environment or {})}
        self.number = 0

    def announce(self, what: str, done: bool = False) -> bool:
        """Say what comes next; returns whether there is anything to do."""
        self.number += 1
        there = ' (there already)' if done else ''
        self.console.print(f'\n[bold]\\[{self.number}/{self.total}] {what}[/]{there}')
        return not done

    def run(self, script: str, *arguments: object) -> Usage:
        """Run one of the tools and wait; its output goes to the terminal.

        Args:
            script: Name of a Python or bash script in the folder of the tools.
            *arguments: Of its command line.

        Raises:
            UserError: The tool failed.
        """
        words = [os.path.relpath(self.tools / script), *map(str, arguments)]
        shown, start = ('', 'bash') if script.endswith('.sh') else ('python ', None)
        self.console.print(f'$ {shown}{" ".join(words)}', style='dim', markup=False)
        sys.stdout.flush()
        begun = time.monotonic()
        # close_fds: a lock that this process holds is held by the tool, too
        process = subprocess.Popen(
            [start or sys.executable, *words], env=self.environment, close_fds=False
        )
        code, memory = _wait(process)
        if code == INCOMPLETE:
            # all is written; the tool has said what is missing, and so do its numbers
            self.console.print(f'{script} left frames out, see above', style='yellow')
        elif code:
            raise UserError(f'{script} ended with exit code {code}, see above')
        seconds = time.monotonic() - begun
        self.console.print(f'took {duration(seconds)}', style='dim')
        return Usage(seconds, memory)


def _wait(process: subprocess.Popen) -> tuple[int, float]:
    """Exit code and most resident memory in MB of a process, once it has ended."""
    if not hasattr(os, 'wait4'):
        return process.wait(), 0.0
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:  # which the tool has got, too
        process.wait()
        raise
    unit = 2**20 if sys.platform == 'darwin' else 2**10
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / unit


def keep_config(cfg: Config, path: Path) -> None:
    """Write the config of a run that may be interrupted and taken up again.

    Args:
        cfg: The config.
        path: A file beside the run's folder, which has its name; both are made.

    Raises:
        UserError: The file is there and says something else.
    """
    text = cfg.pretty_text
    if path.exists() and path.read_text() != text:
        raise UserError(
            f'{path.parent} holds a run with other settings: remove it, or '
            'choose another --work-dir'
        )
    path.with_suffix('').mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_text(text)
