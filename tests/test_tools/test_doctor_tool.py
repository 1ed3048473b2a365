"""``tools/doctor.py``: lines, exit codes, and a stack that mmvist refuses."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmvist.testing import write_toy_mots

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'doctor.py'


def run(
    *args: object, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *map(str, args)],
        env={**os.environ, 'PYTHONPATH': str(ROOT), **variables},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_an_environment_that_fits() -> None:
    done = run(TOOL, CUDA_VISIBLE_DEVICES='')
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith('ok     Python 3.')
    assert "ok     mmcv's ops run on cpu: nms, roi_align" in lines
    assert lines[-2].startswith('ok     mmvist ')
    assert lines[-1].startswith('0 errors, ')
    assert all(line.split()[0] in ('ok', 'note') for line in lines[:-1])


def bare(site: Path, *path: Path) -> subprocess.CompletedProcess:
    """The tool where only the packages in ``site`` exist."""
    code = (
        'import runpy, sys\n'
        f'sys.path[:0] = {[str(one) for one in (site, *path)]}\n'
        'sys.argv = ["doctor.py"]\n'
        f'runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
    )
    # -S and -E hide the real packages, another folder this checkout
    return run('-S', '-E', '-c', code, cwd=site)


def test_a_stack_that_import_mmvist_refuses(tmp_path: Path) -> None:
    """All of it is said, where the import stops at the first."""
    for name, version in (('torch', '2.0.0'), ('mmengine', '0.10.12')):
        (tmp_path / name).mkdir()
        (tmp_path / name / '__init__.py').touch()
        (tmp_path / name / 'version.py').write_text(f"__version__ = '{version}'\n")
    done = bare(tmp_path, ROOT)
    assert done.returncode == 2 and not done.stderr
    said = done.stdout
    assert 'error  torch 2.0.0 is installed, but mmvist needs torch>=2.4: run' in said
    assert 'ok     mmengine 0.10.12' in said
    assert 'error  mmcv is not installed, but mmvist needs mmcv>=2.1.0,<2.4: ' in said
    assert 'error  mmdet is not installed' in said
    assert 'note   trackeval is not installed, but the metrics' in said
    # torch, mmcv, mmdet, numpy, scipy, pycocotools, rich, av
    assert said.splitlines()[-1] == '8 errors, 3 notes'


def test_nothing_is_installed_not_even_mmvist(tmp_path: Path) -> None:
    done = bare(tmp_path)
    assert done.returncode == 2 and not done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first == f'error  mmvist is not installed: run `pip install -e {ROOT}`.'
    assert last == '10 errors, 3 notes'


def main(*args: object) -> int:
    """The tool within this process, where mmvist is imported already."""
    spec = importlib.util.spec_from_file_location('doctor_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(one) for one in args])


def test_data_with_faults(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_toy_mots(tmp_path)
    (tmp_path / 'instances/0000/000001.png').unlink()
    (tmp_path / 'training/image_02/0000/000002.png').write_bytes(b'')
    assert main(tmp_path) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['error', 'error', 'ok', '2']
    assert 'has no mask 0000/000001.png' in lines[0]
    assert 'fetch it again' in lines[1]
    assert '1 videos, 5 frames' in lines[2]
    assert lines[3] == '2 errors, 0 notes'


def test_data_with_notes_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_toy_mots(tmp_path)
    classes = ['--classes', '1=car', '2=pedestrian', '3=bus']
    assert main(tmp_path, *classes, '--headers-only') == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['note', 'ok', '0']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['none'], 'none: no such file or folder'),
        (['.'], 'is in no layout that is known'),
        (['.', '--classes', 'car'], '--classes car: write it as NUMBER=NAME'),
    ],
)
def test_no_data_there(
    tmp_path: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(*words) == 2
    [line, count] = capsys.readouterr().out.splitlines()
    assert line.startswith('error') and said in line and count == '1 error, 0 notes'
