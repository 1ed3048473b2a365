"""A loss that is not finite ends training before it ends in a checkpoint."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from process_kit import run_group
from tiny_vist import toy_video, train_data
from toy_task import ToyModel, toy_config

from mmvist.engine import FiniteLossHook, VISTRunner, load_checkpoint
from mmvist.engine.errors import UserError


@MODELS.register_module()
class BrokenModel(ToyModel):
    """Its loss is ``value`` from step ``at`` on, in the process ``rank``."""

    def __init__(self, at: int, value: float = float('nan'), rank: int = 0) -> None:
        super().__init__()
        self.at, self.value, self.rank, self.steps = at, value, rank, 0

    def forward(self, inputs, index, mode='tensor'):
        found = super().forward(inputs, index, mode)
        if mode == 'loss':
            self.steps += 1
            if self.steps >= self.at and get_rank() == self.rank:
                found['loss_kl'] = found['loss'] * self.value
            found['loss_toy'] = found.pop('loss')
        return found


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_it_stops_at_once_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, value: float
) -> None:
    model = dict(type='BrokenModel', at=4, value=value)
    runner = VISTRunner.from_cfg(toy_config(tmp_path, model=model))
    with pytest.raises(UserError, match='not finite at iteration 4: ') as error:
        runner.train()
    assert f'loss_kl {value}' in str(error.value) and 'loss_toy ' in str(error.value)
    # a checkpoint every two steps: that of step 4 was due
    assert (tmp_path / 'last_checkpoint').read_text().endswith('iter_2.pth')
    assert not (tmp_path / 'iter_4.pth').exists()
    state = load_checkpoint(tmp_path / 'iter_2.pth')['state_dict']
    assert all(one.isfinite().all() for one in state.values())


class BrokenStep(Hook):
    """The loss is finite, what it does to the weights is not."""

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter == 3:
            next(runner.model.parameters()).data.fill_(torch.inf)


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    runner = VISTRunner.from_cfg(toy_config(tmp_path))
    runner.register_hook(BrokenStep(), priority='VERY_HIGH')
    with pytest.raises(UserError, match='weights are not finite, such as') as error:
        runner.train()
    assert 'iter_4.pth is not written: 1 weights' in str(error.value)
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['iter_2.pth']


def test_files_of_the_batch_are_named() -> None:
    data = train_data(toy_video(), [1, 3])
    for i, track in enumerate(data['data_samples']):
        for j, one in enumerate(track.video_data_samples):
            one.set_metainfo(dict(img_path=f'clip{i}/{j}.png'))
    with pytest.raises(UserError) as error:
        FiniteLossHook().after_train_iter(
            SimpleNamespace(iter=6), 6, data, dict(loss=torch.tensor(torch.inf))
        )
    names = ', '.join(f'clip{i}/{j}.png' for i in range(2) for j in range(3))
    assert f'iteration 7: loss inf; the batch was {names}; ' in str(error.value)
    assert '\n' not in str(error.value)


def test_a_finite_loss_passes() -> None:
    hook, runner = FiniteLossHook(), SimpleNamespace(iter=0)
    hook.after_train_iter(runner, 0, {}, dict(loss=torch.tensor(-1e30), acc=torch.nan))
    hook.after_train_iter(runner, 0, {}, {})


def work(rank: int, folder: Path) -> None:
    """One of two processes, of which the second meets it."""
    model = dict(type='BrokenModel', at=3, rank=1)
    cfg = toy_config(folder, model=model, launcher='pytorch')
    cfg.find_unused_parameters = True
    runner = VISTRunner.from_cfg(cfg)
    try:
        runner.train()
    except UserError as error:
        (folder / f'{rank}.txt').write_text(str(error))


def test_all_processes_stop_whichever_met_it(tmp_path: Path) -> None:
    run_group(2, work, tmp_path)
    lines = [(tmp_path / f'{rank}.txt').read_text() for rank in range(2)]
    assert lines[0] == lines[1]
    assert 'not finite at iteration 3: loss nan, loss_kl nan' in lines[0]
