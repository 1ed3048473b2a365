"""VAE-VIST itself through runner and tools: resume, two processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tiny_vist import DEMO, tiny_config

from mmvist.datasets.converters import convert_kitti_mots, write_json
from mmvist.datasets.synthetic import write_synthetic
from mmvist.engine import VISTRunner

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips to train on and three to test on, of seven frames."""
    root = tmp_path_factory.mktemp('data') / 'synthetic'
    splits = write_synthetic(root, train_clips=2, val_clips=3, frames=7)
    for name, sequences in splits.items():
        write_json(
            convert_kitti_mots(root, sequences), root / 'annotations' / f'{name}.json'
        )
    return root


def config(data: Path, work_dir: Path, iters: int = 4, **changes: object) -> Config:
    cfg = Config.fromfile(DEMO)
    cfg.model = tiny_config(
        # shows boxes of an untrained model: the numbers are bad, not empty
        tracker=dict(
            match_score_thr=0.1,
            birth_score_thr=0.1,
            augment_birth_score_thr=0.0,
            keep_score_thr=0.0,
        )
    )
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(data)
        loader.num_workers, loader.persistent_workers = 0, False
    for metric in (*cfg.val_evaluator, *cfg.test_evaluator):
        metric.ann_file = str(data / 'annotations' / 'val.json')
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iters)
    # a schedule that does not know where the run ends
    cfg.param_scheduler = cfg.param_scheduler[:1]
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=2
    )
    cfg.work_dir = str(work_dir)
    cfg.merge_from_dict(changes)
    return cfg


def trained(cfg: Config) -> VISTRunner:
    runner = VISTRunner.from_cfg(cfg)
    runner.train()
    return runner


def test_resumed_training_equals_unbroken_training(data: Path, tmp_path: Path) -> None:
    whole = trained(config(data, tmp_path / 'whole'))
    trained(config(data, tmp_path / 'part', iters=2))
    resumed = trained(config(data, tmp_path / 'part', resume=True))
    assert resumed.iter == whole.iter == 4
    other = resumed.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, other[name]), name


def run(tool: str, *args: object) -> None:
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        port = server.getsockname()[1]
    start = [sys.executable] if tool.endswith('.py') else ['bash']
    done = subprocess.run(
        [*start, str(ROOT / 'tools' / tool), *map(str, args)],
        env={
            **os.environ,
            'PYTHONPATH': str(ROOT),
            'PYTHON': sys.executable,
            'PORT': str(port),
            'OMP_NUM_THREADS': '1',
            'CUDA_VISIBLE_DEVICES': '',
        },
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'


def test_two_processes_give_the_numbers_of_one(data: Path, tmp_path: Path) -> None:
    """Three clips on two processes: one has twice the frames of the other."""
    path = tmp_path / 'tiny.py'
    config(data, tmp_path / 'two', iters=2).dump(str(path))
    run('dist_train.sh', path, 2)
    checkpoint = tmp_path / 'two' / 'iter_2.pth'
    for name, tool, more in [('a', 'test.py', []), ('b', 'dist_test.sh', [2])]:
        run(
            tool,
            *(path, checkpoint, *more),
            *('--eval', 'track_segm', '--work-dir', tmp_path / name),
        )
    one, two = (
        json.loads((tmp_path / name / 'metrics.json').read_text()) for name in 'ab'
    )
    assert one == two
    assert one['mots/TP'] + one['mots/FP'] > 0, 'a test of nothing'
    run(
        'test.py',
        *(path, checkpoint, '--format-only', '--work-dir', tmp_path / 'c'),
        *('--cfg-options', 'test_evaluator.1.outfile_formats=txt,png'),
    )
    lines = sorted((tmp_path / 'c/results.mots').glob('*.txt'))
    assert len(lines) == 3 and sum(len(p.read_text()) for p in lines) > 0
    pngs = [Image.open(p) for p in (tmp_path / 'c/results.mots').glob('*/*.png')]
    assert len(pngs) == 3 * 7 and any(png.getextrema()[1] > 1000 for png in pngs)
    tracks = json.loads((tmp_path / 'c/results.youtube_vis.json').read_text())
    assert {'video_id', 'score', 'category_id', 'segmentations'} <= tracks[0].keys()
    assert not (tmp_path / 'c/metrics.json').exists()


def test_the_paper_size_trains_on_kitti_mots_layout(data: Path, tmp_path: Path) -> None:
    """One iteration of the ResNet-101 config on small frames, nothing fetched."""
    cfg = Config.fromfile(
        ROOT / 'configs/vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'
    )
    cfg.model.detector.init_cfg = None
    loader = cfg.train_dataloader
    loader.num_workers, loader.persistent_workers = 0, False
    loader.dataset.data_root = str(data)
    loader.dataset.pipeline[1].transforms[2].scale = (96, 64)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.default_hooks.pop('checkpoint')
    cfg.work_dir = str(tmp_path)
    runner = trained(cfg)
    losses = runner.message_hub.get_scalar('train/loss')
    assert runner.iter == 1 and torch.isfinite(torch.tensor(losses.current()))
    assert loader.batch_size == 2 and runner.model.detector.backbone.depth == 101
