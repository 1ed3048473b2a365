"""What the arguments of the tools make of a config; nothing is run."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from tool_kit import tool
from toy_task import toy_config

from mmvist.engine import UserError


def settle(name: str, cfg: Config, *argv: str) -> Config:
    module = tool(name)
    return module.settle(cfg, module.parse_args(['toy.py', *argv]))


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    path = tmp_path / 'a.pth'
    path.touch()
    return str(path)


@pytest.fixture
def cfg(tmp_path: Path) -> Config:
    cfg = toy_config(tmp_path)
    cfg.test_dataloader.dataset.update(data_root='data', ann_file='val.json')
    return cfg


def test_eval_takes_the_place_of_the_evaluator(cfg: Config, checkpoint: str) -> None:
    assert settle('test', cfg, checkpoint).test_evaluator.type == 'ToyMetric'
    metrics = settle('test', cfg, checkpoint, '--eval', 'track_segm').test_evaluator
    assert {metric['type'] for metric in metrics} == {
        'mmvist.VISMetric',
        'mmvist.MOTSMetric',
    }
    assert all(metric['ann_file'] == 'data/val.json' for metric in metrics)
    metrics = settle('test', cfg, checkpoint, '--eval', 'mots', 'youtube_vis')
    assert len(metrics.test_evaluator) == 2
    with pytest.raises(UserError, match='unknown evaluation boxes'):
        settle('test', cfg, checkpoint, '--eval', 'boxes')


def test_format_only_writes_into_the_work_dir(cfg: Config, checkpoint: str) -> None:
    cfg.work_dir = 'runs'
    metrics = settle('test', cfg, checkpoint, '--format-only').test_evaluator
    assert {metric['type']: metric['outfile_prefix'] for metric in metrics} == {
        'mmvist.VISMetric': 'runs/results.youtube_vis',
        'mmvist.MOTSMetric': 'runs/results.mots',
    }
    assert all(metric['format_only'] for metric in metrics)
    metrics = settle('test', cfg, checkpoint, '--eval', 'mots', '--format-only')
    assert [one['type'] for one in metrics.test_evaluator] == ['mmvist.MOTSMetric']


def test_format_only_keeps_the_formats_of_the_config(
    cfg: Config, checkpoint: str
) -> None:
    mots = dict(type='mmvist.MOTSMetric', ann_file='a', outfile_formats=('txt', 'png'))
    for evaluator in (mots, [dict(type='mmvist.VISMetric', ann_file='a'), mots]):
        cfg.test_evaluator = evaluator
        vis, found = settle('test', cfg, checkpoint, '--format-only').test_evaluator
        assert found['outfile_formats'] == ('txt', 'png')
        assert 'outfile_formats' not in vis


def test_where_the_checkpoint_comes_from(cfg: Config, checkpoint: str) -> None:
    assert settle('test', cfg, '--checkpoint', checkpoint).load_from == checkpoint
    cfg.load_from = checkpoint
    assert settle('test', cfg).load_from == checkpoint
    with pytest.raises(UserError, match='two checkpoints'):
        settle('test', cfg, checkpoint, '--checkpoint', 'b.pth')
    cfg.load_from = None
    with pytest.raises(UserError, match='no checkpoint is given'):
        settle('test', cfg)
    assert settle('test', cfg, 'https://x.org/a.pth').load_from == 'https://x.org/a.pth'


def test_out_and_show_dir(cfg: Config, checkpoint: str) -> None:
    argv = (checkpoint, '--out', 'tracks.pkl', '--show-dir', 'painted')
    settled = settle('test', cfg, *argv)
    assert [m['type'] for m in settled.test_evaluator] == [
        'ToyMetric',
        'mmvist.DumpTracks',
    ]
    assert settled.custom_hooks[-1]['show_dir'] == 'painted'
    with pytest.raises(UserError, match='has to end with'):
        settle('test', cfg, checkpoint, '--out', 'tracks.json')


def test_resume_and_its_checkpoint(
    cfg: Config, checkpoint: str, capsys: pytest.CaptureFixture
) -> None:
    cfg.load_from = checkpoint
    settled = settle('train', cfg, '--resume')
    # nothing to go on from: the start that the config names
    assert settled.resume is False and settled.load_from == checkpoint
    assert 'has no checkpoint: from the start' in capsys.readouterr().out
    Path(cfg.work_dir, 'iter_2.pth').touch()
    settled = settle('train', cfg, '--resume')
    assert settled.resume is True and settled.load_from is None
    settled = settle('train', cfg, '--resume', checkpoint)
    assert settled.resume is True and settled.load_from == checkpoint
    with pytest.raises(UserError, match=r'none\.pth does not exist'):
        settle('train', cfg, '--resume', 'none.pth')


def test_amp_and_auto_scale_lr(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match='base_batch_size'):
        settle('train', cfg, '--auto-scale-lr')
    cfg.auto_scale_lr = dict(enable=False, base_batch_size=16)
    assert settle('train', cfg, '--auto-scale-lr').auto_scale_lr.enable is True
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(UserError, match='needs a GPU'):
        settle('train', cfg, '--amp')
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    optim = settle('train', cfg, '--amp').optim_wrapper
    assert (optim.type, optim.loss_scale) == ('AmpOptimWrapper', 'dynamic')
