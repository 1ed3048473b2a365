"""The older checkpoint goes when the newer is there, not before."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.registry import METRICS
from mmengine.runner.checkpoint import save_checkpoint
from toy_task import toy_config

from mmvist.engine import VISTRunner
from mmvist.engine.errors import UserError
from mmvist.files import remove_parts, whole_file


@METRICS.register_module()
class RisingMetric(BaseMetric):
    """Better each time."""

    default_prefix = 'toy'
    times = itertools.count()

    def process(self, data_batch, data_samples) -> None:
        self.results.extend(data_samples)

    def compute_metrics(self, results) -> dict:
        return dict(rising=float(next(self.times)), same=1.0)


def config(folder: Path, **checkpoint):
    """A checkpoint every two steps, a validation every three."""
    cfg = toy_config(folder)
    cfg.default_hooks.checkpoint.update(
        type='mmvist.CheckpointHook', interval=2, by_epoch=False, **checkpoint
    )
    cfg.train_cfg.val_interval = 3
    cfg.val_evaluator = dict(type='RisingMetric')
    return cfg


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob('*.pth'))


def full(monkeypatch, at: str) -> None:
    """Room for half of the checkpoint whose name ends so."""

    def limited(checkpoint: dict, filename: str, *args, **kwargs) -> None:
        save_checkpoint(checkpoint, filename, *args, **kwargs)
        if f'{at}.' in filename:
            path = Path(filename)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), filename)

    monkeypatch.setattr('mmengine.runner.runner.save_checkpoint', limited)


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    cfg = config(tmp_path, max_keep_ckpts=1, save_best='toy/rising', rule='greater')
    VISTRunner.from_cfg(cfg).train()
    assert names(tmp_path) == ['best_toy_rising_iter_6.pth', 'iter_6.pth']


def test_a_full_disk_leaves_the_last_one(tmp_path: Path, monkeypatch) -> None:
    full(monkeypatch, 'iter_4')
    with pytest.raises(OSError, match='No space'):
        VISTRunner.from_cfg(config(tmp_path, max_keep_ckpts=1)).train()
    assert names(tmp_path) == ['iter_2.pth']
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')


def test_a_full_disk_leaves_the_best_one(tmp_path: Path, monkeypatch) -> None:
    full(monkeypatch, 'rising_iter_6')
    cfg = config(tmp_path, save_best='toy/rising', rule='greater')
    with pytest.raises(OSError, match='No space'):
        VISTRunner.from_cfg(cfg).train()
    assert 'best_toy_rising_iter_3.pth' in names(tmp_path)
    assert 'best_toy_rising_iter_6.pth' not in names(tmp_path)


class Breaks(Hook):
    """Weights, or what the optimiser remembers, are not finite after a step."""

    priority = 'VERY_HIGH'

    def __init__(self, at: int, what: str) -> None:
        self.at, self.what = at, what

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter + 1 != self.at:
            return
        if self.what == 'statistics':
            runner.model.norm.running_var.fill_(torch.inf)
        elif self.what == 'weights':
            runner.model.linear.weight.data.fill_(torch.nan)
        else:
            state = runner.optim_wrapper.optimizer.state
            next(iter(state.values()))['exp_avg_sq'].fill_(torch.inf)


@pytest.mark.parametrize(
    ('what', 'name'),
    [
        ('weights', 'linear.weight'),
        ('statistics', 'norm.running_var'),
        ('memory', 'exp_avg_sq of weight 0 in the optimiser'),
    ],
)
def test_what_is_not_finite_is_not_saved(tmp_path: Path, what: str, name: str) -> None:
    cfg = config(tmp_path, max_keep_ckpts=1)
    cfg.optim_wrapper.optimizer = dict(type='Adam', lr=0.01)
    runner = VISTRunner.from_cfg(cfg)
    runner.register_hook(Breaks(4, what))
    with pytest.raises(UserError, match=f'iter_4.pth is not written.*{name}'):
        runner.train()
    assert names(tmp_path) == ['iter_2.pth']


def test_a_validation_of_broken_weights_is_not_the_best(tmp_path: Path) -> None:
    cfg = config(tmp_path, save_best='toy/rising', rule='greater')
    cfg.default_hooks.checkpoint.update(interval=4, save_last=False)
    runner = VISTRunner.from_cfg(cfg)
    runner.register_hook(Breaks(6, 'weights'))
    with pytest.raises(UserError, match='no validation'):
        runner.train()
    assert 'best_toy_rising_iter_3.pth' in names(tmp_path)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    with whole_file(tmp_path / 'iter_6.pth') as ours:
        ours.touch()
        name = ours.name
    ours.touch()
    gone = tmp_path / name.replace(str(os.getpid()), '999999999')
    other = tmp_path / '.hidden.pth'
    elsewhere = tmp_path / '.iter_6.another-999999999.part.pth'
    for path in (gone, elsewhere, other):
        path.touch()
    remove_parts(tmp_path)
    assert not gone.exists()
    assert ours.exists() and other.exists() and elsewhere.exists()
    remove_parts(tmp_path / 'none')


def test_a_link_stays_and_so_does_the_mode(tmp_path: Path) -> None:
    target, link = tmp_path / 'target.txt', tmp_path / 'link.txt'
    target.write_text('old')
    target.chmod(0o600)
    link.symlink_to(target)
    with whole_file(link, sync=True) as part:
        part.write_text('new')
    assert link.is_symlink() and target.read_text() == 'new'
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_long_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ('x' * 250 + '.json')
    with whole_file(path) as part:
        part.write_text('new')
    assert path.read_text() == 'new'


BEST = dict(save_best='toy/rising', rule='greater', max_keep_ckpts=1)


def longer(folder: Path, start: Path):
    """Goes on from the last checkpoint of a folder for six more steps."""
    cfg = config(folder, **BEST)
    cfg.train_cfg.max_iters = 12
    cfg.resume, cfg.load_from = True, str(start / 'iter_6.pth')
    return cfg


def test_the_best_one_of_another_run_stays(tmp_path: Path) -> None:
    first, second = tmp_path / 'first', tmp_path / 'second'
    VISTRunner.from_cfg(config(first, **BEST)).train()
    before = names(first)
    VISTRunner.from_cfg(longer(second, first)).train()
    assert names(first) == before == ['best_toy_rising_iter_6.pth', 'iter_6.pth']
    assert names(second) == ['best_toy_rising_iter_12.pth', 'iter_12.pth']


def test_in_a_folder_that_was_copied_the_best_one_is_its_own(tmp_path: Path) -> None:
    first, second = tmp_path / 'first', tmp_path / 'second'
    VISTRunner.from_cfg(config(first, **BEST)).train()
    shutil.copytree(first, second)
    VISTRunner.from_cfg(longer(second, second)).train()
    assert names(first) == ['best_toy_rising_iter_6.pth', 'iter_6.pth']
    assert names(second) == ['best_toy_rising_iter_12.pth', 'iter_12.pth']


@pytest.mark.parametrize('named', ['', 'best_a.pth', 'iter_6.pth'])
@pytest.mark.parametrize('kind', ['CheckpointHook', 'mmvist.CheckpointHook'])
def test_nothing_elsewhere_is_removed_as_the_best_one(
    tmp_path: Path, named: str, kind: str
) -> None:
    """A folder or a file; also where the config names MMEngine's hook."""
    own, others = tmp_path / 'own', tmp_path / 'others'
    VISTRunner.from_cfg(config(own, **BEST)).train()
    others.mkdir()
    for name in ('best_a.pth', 'iter_6.pth'):
        (others / name).touch()
    path = own / 'iter_6.pth'
    checkpoint = torch.load(path, weights_only=False)
    info = checkpoint['message_hub']['runtime_info']
    info['best_ckpt'] = str(others / named) if named else str(others)
    torch.save(checkpoint, path)
    cfg = longer(own, own)
    cfg.default_hooks.checkpoint.type = kind
    VISTRunner.from_cfg(cfg).train()
    assert names(others) == ['best_a.pth', 'iter_6.pth']
    assert 'best_toy_rising_iter_12.pth' in names(own)


def test_a_kind_of_best_one_that_never_came_is_not_published(tmp_path: Path) -> None:
    cfg = longer(tmp_path / 'second', tmp_path / 'first')
    several = dict(BEST, save_best=['toy/rising', 'toy/same'], rule=['greater'] * 2)
    VISTRunner.from_cfg(config(tmp_path / 'first', **several)).train()
    cfg.default_hooks.checkpoint.update(several, published_keys=['state_dict'])
    VISTRunner.from_cfg(cfg).train()
    found = names(tmp_path / 'second')
    assert any(name.startswith('best_toy_rising_iter_12-') for name in found)
    assert not any(name.startswith('best_toy_same') for name in found)


def test_names_that_begin_alike_are_written_together(tmp_path: Path) -> None:
    paths = [tmp_path / ('x' * 120 + f'{i}.txt') for i in range(3)]
    with contextlib.ExitStack() as files:
        for path in paths:
            files.enter_context(whole_file(path)).write_text(path.stem[-1])
    assert [path.read_text() for path in paths] == ['0', '1', '2']
    assert len(list(tmp_path.iterdir())) == 3
