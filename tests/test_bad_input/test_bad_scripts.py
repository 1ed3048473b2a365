"""The bash scripts refuse before they start a process: one line, exit code 2."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / 'tools'
# a torch.distributed that would answer otherwise
ENVIRONMENT = {**os.environ, 'PYTHON': 'false'}


@pytest.mark.parametrize(
    ('command', 'message'),
    [
        ('dist_train.sh none.py 1', 'config none.py does not exist'),
        ('dist_train.sh tiny.py two', 'NGPUS is two, not a number'),
        ('dist_train.sh tiny.py --work-dir', 'NGPUS is --work-dir, not a number'),
        ('dist_test.sh tiny.py none.pth 1', 'checkpoint none.pth does not exist'),
        ('dist_test.sh tiny.py tiny.pth --eval', 'NGPUS is --eval, not a number'),
        ('dist_test.sh tiny.py tiny.pth 0', 'NGPUS is 0, not a number'),
        ('slurm_train.sh part job none.py run', 'config none.py does not exist'),
        ('slurm_test.sh part job tiny.py none.pth', 'checkpoint none.pth does not'),
    ],
)
def test_refused(disk: Path, command: str, message: str) -> None:
    script, *args = command.split()
    done = subprocess.run(
        ['bash', str(TOOLS / script), *args],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith('error: ') and message in line
