"""Checkpoints: what is read, what is refused, and in which words."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MMLogger
from mmengine.runner import CheckpointLoader
from torch import nn

from mmvist.engine import CheckpointError, load_checkpoint, load_weights
from mmvist.engine.checkpoint import FORCE, force_weights_only, refusal


class Malicious:
    """Unpickling it makes a file, as it could do anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def small_model(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(3, width), nn.Linear(width, 2))


def test_mmengines_bookkeeping_is_read(tmp_path: Path) -> None:
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    saved = dict(
        state_dict=small_model().state_dict(),
        message_hub=dict(log_scalars={'train/loss': history}),
        meta=dict(iter=7, best=np.float64(0.5), count=np.int64(3), cfg='model = 1'),
        names=np.array(['car', 'pedestrian']),
    )
    torch.save(saved, tmp_path / 'a.pth')
    read = load_checkpoint(tmp_path / 'a.pth')
    assert read['message_hub']['log_scalars']['train/loss'].mean() == 1.5
    assert read['meta'] == saved['meta']
    assert read['names'].tolist() == ['car', 'pedestrian']


@pytest.mark.parametrize('zipped', [True, False])
def test_code_is_not_run(tmp_path: Path, zipped: bool) -> None:
    made = tmp_path / 'made'
    torch.save(
        dict(state_dict=small_model().state_dict(), extra=Malicious(made)),
        tmp_path / 'bad.pth',
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(CheckpointError, match=r'refused.*mkdir') as error:
        load_checkpoint(tmp_path / 'bad.pth')
    assert not made.exists() and '\n' not in str(error.value)


def test_the_getattr_of_a_history_buffer_reaches_nothing_else(tmp_path: Path) -> None:
    class Reach:
        def __reduce__(self) -> tuple:
            return getattr, (HistoryBuffer, '__init__')

    torch.save(dict(state_dict={}, extra=Reach()), tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match='refused'):
        load_checkpoint(tmp_path / 'bad.pth')


def test_what_may_be_read_is_put_back(tmp_path: Path) -> None:
    with torch.serialization.safe_globals([]):  # puts back what other tests have left
        torch.serialization.clear_safe_globals()
        torch.save(small_model().state_dict(), tmp_path / 'a.pth')
        load_checkpoint(tmp_path / 'a.pth')
        assert torch.serialization.get_safe_globals() == []


def test_a_tool_lets_the_hosts_read_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMEngine's own loader falls back to running what a file holds."""
    before = torch.serialization.get_safe_globals()
    monkeypatch.setenv(FORCE, '0')  # put back after the test
    made = tmp_path / 'made'
    torch.save(dict(state_dict={}, extra=Malicious(made)), tmp_path / 'bad.pth')
    torch.save(dict(log=HistoryBuffer([1.0], [1])), tmp_path / 'good.pth')
    try:
        force_weights_only()
        assert torch.load(tmp_path / 'good.pth')['log'].mean() == 1.0
        with pytest.raises(pickle.UnpicklingError) as error:
            CheckpointLoader.load_checkpoint(str(tmp_path / 'bad.pth'))
        assert refusal(error.value) == 'it asks for posix.mkdir' and not made.exists()
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='does not exist'):
        load_checkpoint(tmp_path / 'none.pth')
    (tmp_path / 'text.pth').write_text('<html>not found</html>')
    (tmp_path / 'empty.pth').touch()
    (tmp_path / 'plain.pth').write_bytes(pickle.dumps([1, 2]))
    torch.save(small_model().state_dict(), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    (tmp_path / 'cut.pth').write_bytes(whole[: len(whole) // 2])
    torch.save(dict(state_dict={}), tmp_path / 'hollow.pth')
    for name in ('text', 'empty', 'plain', 'cut', 'hollow'):
        with pytest.raises(CheckpointError) as error:
            load_checkpoint(tmp_path / f'{name}.pth')
        assert f'{name}.pth' in str(error.value) and '\n' not in str(error.value)


def test_weights_go_into_the_model_also_from_a_wrapper(tmp_path: Path) -> None:
    source, target = small_model(), small_model()
    weights = {f'module.{name}': value for name, value in source.state_dict().items()}
    torch.save(weights, tmp_path / 'a.pth')
    load_weights(target, tmp_path / 'a.pth')
    assert all(map(torch.equal, source.parameters(), target.parameters()))


def test_another_model_is_refused(tmp_path: Path) -> None:
    torch.save(small_model(width=5).state_dict(), tmp_path / 'wide.pth')
    with pytest.raises(CheckpointError, match=r'0\.weight is \(5, 3\) there'):
        load_weights(small_model(), tmp_path / 'wide.pth')
    torch.save(nn.BatchNorm2d(3).state_dict(), tmp_path / 'norm.pth')
    with pytest.raises(CheckpointError, match='another model: it holds 0 of the 4'):
        load_weights(small_model(), tmp_path / 'norm.pth')


def test_what_only_training_uses_may_be_missing_and_is_named(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = nn.ModuleDict(dict(body=nn.Linear(3, 3), aux=nn.Linear(3, 1)))
    body = {k: v for k, v in model.state_dict().items() if k.startswith('body')}
    torch.save(dict(state_dict=body), tmp_path / 'body.pth')
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    load_weights(model, tmp_path / 'body.pth')
    assert 'aux.weight' in caplog.text and 'body' not in caplog.text
    caplog.clear()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'whole.pth')
    load_weights(model, tmp_path / 'whole.pth')
    assert not caplog.records


def test_the_config_of_an_old_checkpoint_is_dropped(tmp_path: Path) -> None:
    """MMEngine's ``resume`` would run it."""
    meta = dict(epoch=0, iter=2, config='raise SystemExit', cfg='a = 1')
    weights = small_model().state_dict()
    torch.save(dict(state_dict=weights, meta=meta), tmp_path / 'a.pth')
    found = load_checkpoint(tmp_path / 'a.pth')['meta']
    assert found == dict(epoch=0, iter=2, cfg='a = 1')
