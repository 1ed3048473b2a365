"""The stack looked at as a whole, and ops that run, fail, or lie."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmcv import ops

from mmvist import compat
from mmvist.doctor import environment
from mmvist.doctor.environment import examine_devices, examine_environment, run_ops
from mmvist.doctor.finding import ERROR, NOTE, OK, Finding

ROOT = Path(__file__).parents[2]


def test_what_the_tests_run_on_fits() -> None:
    findings = list(examine_environment())
    assert not [one for one in findings if one.level == ERROR]
    texts = [one.text for one in findings if one.level == OK]
    assert f'torch {torch.__version__}' in texts
    assert any(re.match(r'OpenCV \d', text) for text in texts)
    assert "mmcv's ops run on cpu: nms, roi_align" in texts


def answers(**misfits: str) -> Callable:
    def judge(requirement: compat.Requirement) -> tuple[str | None, str | None]:
        if requirement.module in misfits:
            return None, misfits[requirement.module]
        return '3.5', None

    return judge


def test_what_is_optional_is_a_note_and_what_is_needed_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = answers(trackeval='no trackeval', scipy='no scipy', mmdet='no mmdet')
    monkeypatch.setattr(environment, 'judge', judge)
    monkeypatch.setattr(environment, 'examine_devices', lambda: 1 / 0)
    findings = list(examine_environment())
    assert Finding(NOTE, 'no trackeval') in findings
    assert Finding(ERROR, 'no scipy') in findings
    # ops are not run on a stack that does not fit
    assert Finding(ERROR, 'no mmdet') in findings
    assert Finding(OK, 'rich 3.5') in findings


def test_an_absent_extra_says_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, '_folder_of', lambda module: None)
    said = {one.module: compat.judge(one)[1] for one in compat.BESIDE}
    assert said['trackeval'] == (
        'trackeval is not installed, but the metrics (--eval track_segm) need '
        'trackeval>=1.3.0,<1.4: run `pip install trackeval==1.3.0`.'
    )
    assert 'but configs of MMTracking (docs/mmtracking.md) need' in said['mmtrack']
    assert said['scipy'] == (
        'scipy is not installed, but mmvist needs scipy: run `pip install scipy`.'
    )


def test_the_table_is_that_of_the_requirement_files() -> None:
    """A package of requirements/runtime.txt is looked at, with its pin."""
    texts = [
        (ROOT / 'requirements' / f'{name}.txt').read_text()
        for name in ('runtime', 'mmtrack', 'tests')
    ]
    lines = [line for text in texts for line in text.splitlines()]
    remedies = {one.module: one.remedy for one in compat.BESIDE}
    for name in texts[0].split():
        assert re.split('[=<>]', name)[0] in remedies
    for module, remedy in remedies.items():
        assert remedy.split()[-1] in lines, module


def test_ops_that_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError('nms_impl: implementation for device cpu not found.\nmore')

    monkeypatch.setattr(ops, 'nms', broken)
    first, *_ = examine_devices()
    assert first.level == ERROR and '\n' not in first.text
    assert first.text.startswith("mmcv's ops do not run on cpu (nms_impl: implem")
    assert first.text.endswith(f'run `{compat.BUILD_OPS}`.')


def test_ops_that_give_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    run_ops('cpu')
    right = ops.roi_align
    monkeypatch.setattr(ops, 'roi_align', lambda *args: right(*args) + 1)
    with pytest.raises(RuntimeError, match=r'roi_align gives \[3.5, 5.5'):
        run_ops('cpu')
    monkeypatch.setattr(ops, 'nms', lambda *args: (None, torch.tensor([0, 1, 2])))
    with pytest.raises(RuntimeError, match=r'nms keeps boxes \[0, 1, 2\]'):
        run_ops('cpu')


def devices(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, there: bool = False
) -> list[Finding]:
    def run(device: str) -> None:
        if device != 'cpu':
            raise RuntimeError('roi_align: implementation for device cuda:0 not found')

    monkeypatch.setattr(environment, 'run_ops', run)
    monkeypatch.setattr(torch.version, 'cuda', cuda)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: there)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda index: 'A100')
    return list(examine_devices())


def test_a_gpu_that_torch_sees_and_the_ops_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu, found, broken = devices(monkeypatch, '12.4', there=True)
    assert cpu.level == OK
    assert found == Finding(OK, 'CUDA 12.4, A100')
    assert broken.level == ERROR
    assert 'do not run on cuda:0 (roi_align: implementation' in broken.text
    assert 'export CUDA_VISIBLE_DEVICES=' in broken.text


def test_no_gpu_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    _, note = devices(monkeypatch, '12.4')
    assert note.level == NOTE and 'nvidia-smi' in note.text
    _, note = devices(monkeypatch, None)
    assert note.level == NOTE and 'is built without it' in note.text
