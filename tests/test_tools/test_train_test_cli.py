"""``tools/train.py`` and ``tools/test.py`` from the outside, in processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from toy_task import toy_config

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'


def environment() -> dict[str, str]:
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]
    return {
        **os.environ,
        'PYTHONPATH': f'{ROOT}{os.pathsep}{ROOT / "tests"}',
        'PYTHON': sys.executable,
        'PORT': str(port),
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',  # these tests are about the CPU
    }


def run(tool: str, *args: object, code: int = 0) -> subprocess.CompletedProcess:
    """Start a tool; its exit code has to be ``code``."""
    start = [sys.executable] if tool.endswith('.py') else ['bash']
    done = subprocess.run(
        [*start, str(TOOLS / tool), *map(str, args)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == code, f'{done.stdout}\n{done.stderr}'
    return done


def last_line(done: subprocess.CompletedProcess) -> str:
    assert 'Traceback' not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A toy config on disk, as a user has it."""
    path = tmp_path / 'toy.py'
    cfg = toy_config(tmp_path / 'work', find_unused_parameters=True)
    cfg.dump(str(path))
    return path


def numbers(work_dir: Path) -> dict:
    return json.loads((work_dir / 'metrics.json').read_text())


def test_one_process_and_two_give_the_same_metric(config: Path, tmp_path: Path) -> None:
    """Training and testing in two processes by gloo, and testing in one."""
    run('dist_train.sh', config, 2, '--work-dir', tmp_path / 'two')
    checkpoint = tmp_path / 'two' / 'iter_6.pth'
    assert checkpoint.is_file()
    for name, tool, more in [('a', 'test.py', []), ('b', 'dist_test.sh', [2])]:
        run(tool, config, checkpoint, *more, '--work-dir', tmp_path / name)
    one, two = numbers(tmp_path / 'a'), numbers(tmp_path / 'b')
    assert one == two
    assert one['toy/count'] == 7 and one['toy/hole'] is None


def test_resume_by_the_command_line(config: Path, tmp_path: Path) -> None:
    work = tmp_path / 'work'
    run('train.py', config, '--cfg-options', 'train_cfg.max_iters=2')
    assert not (work / 'iter_4.pth').exists()
    run('train.py', config, '--resume', '--cfg-options', 'train_cfg.max_iters=4')
    assert (work / 'last_checkpoint').read_text().endswith('iter_4.pth')
    log = max(work.glob('*/*.log')).read_text()
    assert 'resumed epoch: 0, iter: 2' in log
    # and a checkpoint that is not of this model ends a test in one line
    wide = ('--cfg-options', 'model.width=5')
    done = run('test.py', config, work / 'iter_4.pth', *wide, code=2)
    assert last_line(done).startswith(f'error: checkpoint {work / "iter_4.pth"} does')


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    done = run('train.py', tmp_path / 'none.py', code=2)
    assert last_line(done) == f'error: config {tmp_path / "none.py"} does not exist'


@pytest.mark.parametrize('tool', ['dist_train.sh', 'dist_test.sh'])
def test_scripts_say_how_to_call_them(tool: str) -> None:
    assert 'usage:' in run(tool, 'config.py', code=2).stderr
