"""The gate in front of ``import mmvist``, tried on packages made of two files."""

import subprocess
import sys
from pathlib import Path

import pytest

COMPAT = Path(__file__).parents[1] / 'mmvist' / 'compat.py'
GOOD = {'torch': '2.13.0+cpu', 'mmengine': '0.10.12', 'mmcv': '2.3.6', 'mmdet': '3.5.1'}


def install(folder: Path, ops: str | None = '', **versions: str | None) -> Path:
    """Fake packages in ``folder``; a version of None leaves the package out."""
    for name, version in {**GOOD, **versions}.items():
        if version is None:
            continue
        package = folder / name
        package.mkdir(parents=True)
        (package / '__init__.py').touch()
        (package / 'version.py').write_text(f"__version__ = '{version}'\n")
    (folder / 'cv2.py').touch()
    if ops is not None:
        (folder / 'mmcv' / '_ext.py').write_text(ops)
    return folder


def gate(site: Path) -> str:
    """What the gate says where only the packages in ``site`` exist."""
    # -S and -E hide the real packages; a new process, since they are imported here
    code = (
        'import sys, importlib.util as u\n'
        f'sys.path.insert(0, {str(site)!r})\n'
        f's = u.spec_from_file_location("compat", {str(COMPAT)!r})\n'
        'm = u.module_from_spec(s); sys.modules["compat"] = m\n'
        's.loader.exec_module(m)\n'
        'try: m.check_stack()\n'
        'except ImportError as e:\n'
        '    assert e.__suppress_context__ and e.__cause__ is None\n'
        '    print(e)\n'
    )
    done = subprocess.run(
        [sys.executable, '-S', '-E', '-c', code],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    'versions',
    [
        {},
        dict(mmcv='2.1.0', mmdet='3.3.0', mmengine='0.10.7'),
        dict(torch='2.4.0'),
        dict(torch='2.14.0a0+git1234'),
    ],
)
def test_a_stack_that_fits_passes(tmp_path: Path, versions: dict) -> None:
    assert gate(install(tmp_path, **versions)) == ''


@pytest.mark.parametrize(
    'versions, trouble, command',
    [
        (dict(torch=None), 'torch is not installed', 'pip install torch=='),
        (dict(torch='2.3.1'), 'torch 2.3.1 is installed', 'pip install torch=='),
        (dict(mmengine=None), 'mmengine is not', 'pip install onedl-mmengine=='),
        (dict(mmengine='0.9.1'), 'mmengine>=0.10.0,<1.0', 'pip install onedl-mmengine'),
        (dict(mmcv='2.0.1'), 'mmcv 2.0.1 is installed', 'MMCV_WITH_OPS=1 pip install'),
        (dict(mmcv='2.4.0'), 'mmcv>=2.1.0,<2.4', 'MMCV_WITH_OPS=1 pip install'),
        (dict(mmdet=None), 'mmdet is not installed', 'onedl-mmdetection==3.5.1'),
        (dict(mmdet='2.28.2'), 'mmdet 2.28.2', 'onedl-mmdetection==3.5.1'),
        (dict(mmdet='3.6.0'), 'mmdet>=3.3.0,<3.6', 'onedl-mmdetection==3.5.1'),
        (dict(mmdet='3.3.0', mmcv='2.2.0'), 'refuses mmcv 2.2.0', 'onedl-mmdetection'),
    ],
)
def test_one_sentence_names_the_command(
    tmp_path: Path, versions: dict, trouble: str, command: str
) -> None:
    said = gate(install(tmp_path, **versions))
    assert trouble in said and command in said
    assert '\n' not in said and said.endswith('`.')


def test_mmcv_missing(tmp_path: Path) -> None:
    said = gate(install(tmp_path, mmcv=None, ops=None))
    assert said.startswith('mmcv is not installed')


def test_mmcv_without_ops(tmp_path: Path) -> None:
    said = gate(install(tmp_path, ops=None))
    assert 'without its compiled ops' in said and 'MMCV_WITH_OPS=1' in said


def test_ops_of_another_torch(tmp_path: Path) -> None:
    ops = 'raise ImportError("undefined symbol: _ZN3c10\\nmore")'
    said = gate(install(tmp_path, ops=ops))
    assert 'undefined symbol: _ZN3c10' in said and 'more' not in said
    assert '--no-cache-dir' in said


def test_opencv_without_libgl(tmp_path: Path) -> None:
    site = install(tmp_path)
    (site / 'cv2.py').write_text('raise ImportError("libGL.so.1: no such file")')
    said = gate(site)
    assert 'libGL.so.1' in said and 'opencv-python-headless' in said


def test_version_of_the_record_where_the_module_has_none(tmp_path: Path) -> None:
    """onedl's version.py asks the metadata, so the gate has to do the same."""
    site = install(tmp_path)
    (site / 'mmdet' / 'version.py').write_text('from x import v as __version__\n')
    info = site / 'onedl_mmdetection-3.9.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: onedl-mmdetection\nVersion: 3.9.0\n')
    assert 'mmdet 3.9.0 is installed' in gate(site)


def test_the_stack_of_this_environment_fits() -> None:
    from mmvist.compat import find_misfit

    assert find_misfit() is None
