"""``tools/slurm_*.sh`` with an ``srun`` that runs one task on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from process_kit import free_port
from toy_task import toy_config

from mmvist.engine.distributed import init_cpu_group
from mmvist.engine.errors import UserError

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
SRUN = """#!/usr/bin/env bash
printf '%s\\n' "$@" > "$SRUN_SAW"
while [[ $1 == -* ]]; do
  [[ $1 == -p ]] && shift
  shift
done
export SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_LOCALID=0 SLURM_NODELIST='node[07-08]'
exec "$@"
"""
SCONTROL = """#!/usr/bin/env bash
[[ "$*" == 'show hostnames node[07-08]' ]] && printf '127.0.0.1\\nnode08\\n'
"""


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``srun`` and ``scontrol`` are found."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    for name, text in (('srun', SRUN), ('scontrol', SCONTROL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {
        **os.environ,
        'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}',
        'SRUN_SAW': str(tmp_path / 'srun.txt'),
        'PYTHONPATH': str(ROOT / 'tests'),
        'PYTHON': sys.executable,
        'PORT': str(free_port()),
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
    }


def run(
    tool: str, slurm: dict[str, str], *args: object, code: int = 0
) -> tuple[list[str], str]:
    """What ``srun`` was given, and what came on standard error."""
    done = subprocess.run(
        ['bash', str(TOOLS / tool), *map(str, args)],
        env=slurm,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == code, f'{done.stdout}\n{done.stderr}'
    saw = Path(slurm['SRUN_SAW'])
    return saw.read_text().splitlines() if saw.exists() else [], done.stderr


def test_a_job_trains_and_another_tests(slurm: dict, tmp_path: Path) -> None:
    config, work = tmp_path / 'toy.py', tmp_path / 'a folder'
    toy_config(tmp_path, find_unused_parameters=True).dump(str(config))
    settings = dict(
        GPUS='1', GRES='none', CPUS_PER_TASK='3', SRUN_ARGS='--time=5 --quiet'
    )
    short = ('--cfg-options', 'train_cfg.max_iters=2')
    saw, _ = run(
        *('slurm_train.sh', slurm | settings, 'debug', 'my job', config, work),
        *short,
    )
    assert saw == [
        *('-p', 'debug', '--job-name=my job', '--gres=none', '--ntasks=1'),
        *('--ntasks-per-node=1', '--cpus-per-task=3', '--kill-on-bad-exit=1'),
        *('--time=5', '--quiet', sys.executable, '-u', f'{TOOLS}/train.py'),
        *(str(config), f'--work-dir={work}', '--launcher=slurm', *short),
    ]
    log = max(work.glob('*/*.log')).read_text()
    assert 'Distributed launcher: slurm' in log
    assert 'Distributed training: True' in log

    checkpoint = work / 'iter_2.pth'
    more = ('--work-dir', tmp_path / 'test')
    saw, _ = run('slurm_test.sh', slurm, 'debug', 'test', config, checkpoint, *more)
    assert saw[3:7] == [
        *('--gres=gpu:8', '--ntasks=8', '--ntasks-per-node=8', '--cpus-per-task=5')
    ]
    assert saw[8:] == [
        *(sys.executable, '-u', f'{TOOLS}/test.py', str(config), str(checkpoint)),
        *('--launcher=slurm', *map(str, more)),
    ]
    metrics = json.loads((tmp_path / 'test' / 'metrics.json').read_text())
    assert metrics['toy/count'] == 7


@pytest.mark.parametrize('tool', ['slurm_train.sh', 'slurm_test.sh'])
def test_scripts_say_how_to_call_them(tool: str, slurm: dict) -> None:
    saw, said = run(tool, slurm, 'debug', 'job', 'config.py', code=2)
    assert 'usage:' in said and not saw


def test_what_slurm_has_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU; with one MMEngine asks itself."""
    # a copy, as the function writes into it
    known = dict(PATH='')
    monkeypatch.setattr(os, 'environ', known)
    monkeypatch.setattr('mmvist.engine.distributed.get_device', lambda: 'cpu')
    with pytest.raises(UserError, match='SLURM_PROCID is not set: start it with srun'):
        init_cpu_group('slurm')
    known.update({f'SLURM_{name}': '1' for name in ('PROCID', 'NTASKS', 'LOCALID')})
    known['SLURM_NODELIST'] = 'node7'
    with pytest.raises(UserError, match="SLURM_NODELIST='node7'; set MASTER_ADDR"):
        init_cpu_group('slurm')
    with pytest.raises(UserError, match='--launcher mpi needs a GPU'):
        init_cpu_group('mpi')
