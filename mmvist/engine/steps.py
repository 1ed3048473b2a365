"""Long work in steps, each a tool in a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from mmengine.config import Config
from rich.console import Console

from .errors import UserError

# the hosts warn of much that a newcomer can do nothing about
QUIET = {**os.environ, 'PYTHONWARNINGS': 'ignore', 'PYTHON': sys.executable}


class Steps:
    """Announces the steps and says how long each took.

    Args:
        console: Where to write.
        total: Number of steps.
        tools: Folder of the tools.
    """

    def __init__(self, console: Console, total: int, tools: Path) -> None:
        self.console, self.total, self.tools = console, total, tools
        self.number = 0

    def announce(self, what: str, done: bool = False) -> bool:
        """Say what comes next; returns whether there is anything to do."""
        self.number += 1
        there = ' (there already)' if done else ''
        self.console.print(f'\n[bold]\\[{self.number}/{self.total}] {what}[/]{there}')
        return not done

    def run(self, script: str, *arguments: object) -> None:
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
        code = subprocess.run([start or sys.executable, *words], env=QUIET).returncode
        if code:
            raise UserError(f'{script} ended with exit code {code}, see above')
        minutes, seconds = divmod(round(time.monotonic() - begun), 60)
        self.console.print(f'took {minutes}:{seconds:02} min', style='dim')


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
    path.write_text(text)
