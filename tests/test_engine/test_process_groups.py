"""Two and four processes without a GPU are one training and one test.

Each group is started once, trains VAE-VIST for ten steps, and leaves what the tests
look at. With two clips to train on and three to test on, four processes are more
than there are videos.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from process_kit import run_group
from tiny_vist import DEMO, SHOWS_ALL, tiny_config

from mmvist.datasets.converters import convert_kitti_mots, write_json
from mmvist.datasets.synthetic import write_synthetic
from mmvist.engine import VISTRunner, load_checkpoint, seed_all

STEPS = 10


def config(data: Path, work_dir: Path, launcher: str) -> Config:
    """The demo, tiny; what it shows untrained is bad and not nothing."""
    cfg = Config.fromfile(DEMO)
    tracker = dict(SHOWS_ALL, match_score_thr=0.1, birth_score_thr=0.1)
    cfg.model = tiny_config(tracker=tracker)
    cfg.model.detector.test_cfg.rcnn.max_per_img = 5
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(data)
        loader.num_workers, loader.persistent_workers = 0, False
    cfg.train_dataloader.batch_size = 1
    cfg.train_pipeline[1].transforms[2].scale = (96, 64)
    cfg.train_dataloader.dataset.pipeline = cfg.train_pipeline
    cfg.test_pipeline[0].transforms[1].scale = (96, 64)
    cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
    for metric in cfg.test_evaluator:
        metric.ann_file = str(data / 'annotations' / 'val.json')
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=STEPS)
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=STEPS
    )
    cfg.param_scheduler = None
    cfg.launcher, cfg.work_dir = launcher, str(work_dir)
    return cfg


def gradients(model: torch.nn.Module, inner: torch.nn.Module, data: dict, rank: int):
    """Of the losses of ``data``, by name; zero where a branch had no part."""
    seed_all(rank)
    model.zero_grad()
    losses = model(**copy.deepcopy(data), mode='loss')
    inner.parse_losses(losses)[0].backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in inner.named_parameters()
    }


def work(rank: int, data: Path, folder: Path) -> None:
    """One process of a group: trains, compares gradients, tests."""
    runner = VISTRunner.from_cfg(config(data, folder, 'pytorch'))
    runner.train()
    wrapped, inner = runner.model, runner.model.module
    state = copy.deepcopy(inner.state_dict())
    batch = next(iter(runner.train_dataloader))
    batch = inner.data_preprocessor(batch, True)
    alone = copy.deepcopy(inner)
    out: dict[str, Any] = dict(
        state=state,
        own=gradients(alone, alone, batch, rank),
        reduced=gradients(wrapped, inner, batch, rank),
    )
    inner.load_state_dict(state)  # the two steps have moved running statistics
    out['metrics'] = runner.test()
    out['frames'] = len(runner.test_dataloader)
    torch.save(out, folder / f'{rank}.pth')


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('group') / 'synthetic'
    splits = write_synthetic(root, train_clips=2, val_clips=3, frames=4)
    for name, sequences in splits.items():
        write_json(
            convert_kitti_mots(root, sequences), root / 'annotations' / f'{name}.json'
        )
    return root


@pytest.fixture(scope='module', params=[2, 4])
def group(
    request: pytest.FixtureRequest,
    data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[list[dict], Path]:
    """What each process of a group has left, and the folder of the run."""
    size = request.param
    folder = tmp_path_factory.mktemp(f'{size}')
    run_group(size, work, data, folder)
    ranks = [torch.load(folder / f'{rank}.pth') for rank in range(size)]
    return ranks, folder


def test_the_gradient_is_the_mean_of_the_ranks_own(group) -> None:
    ranks, _ = group
    names = ranks[0]['own'].keys()
    differ = 0
    for name in names:
        own = torch.stack([one['own'][name] for one in ranks])
        differ += int((own - own[:1]).abs().max() > 1e-3)
        for one in ranks:
            torch.testing.assert_close(
                one['reduced'][name], own.mean(dim=0), rtol=1e-6, atol=1e-6, msg=name
            )
    assert differ > len(names) / 2, 'the ranks have seen the same'


def test_all_ranks_have_one_model(group) -> None:
    """Weights, counters and running statistics, to the last bit."""
    ranks, folder = group
    saved = load_checkpoint(str(folder / f'iter_{STEPS}.pth'))['state_dict']
    for one in ranks:
        assert one['state'].keys() == saved.keys()
        for name, value in one['state'].items():
            assert torch.equal(value, saved[name]), name
    assert int(saved['training_samples.iters']) == STEPS
    moved = saved['detector.backbone.layer1.0.bn1.running_mean']
    assert moved.any(), 'nothing was learned'


def test_the_metric_is_that_of_one_process(group, data: Path, tmp_path: Path) -> None:
    ranks, folder = group
    cfg = config(data, tmp_path, 'none')
    cfg.load_from = str(folder / f'iter_{STEPS}.pth')
    alone = VISTRunner.from_cfg(cfg).test()
    assert alone['mots/TP'] + alone['mots/FP'] > 0, 'a test of nothing'
    for one in ranks:
        assert one['metrics'] == pytest.approx(alone, rel=0, abs=0, nan_ok=True)


def test_more_processes_than_videos(group) -> None:
    """Each video is on one rank; the fourth of four has none."""
    ranks, _ = group
    frames = [one['frames'] for one in ranks]
    assert sorted(frames) == ([4, 8] if len(ranks) == 2 else [0, 4, 4, 4])
