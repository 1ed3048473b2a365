"""What an MMTracking user types: the stock config with three things replaced."""

import json
import os
import pickle
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_vist import CONFIGS, toy_video
from ytvis_kit import LENGTH, tiny_mmtrack_model, write_config

from mmvist.apis import VISTInferencer
from mmvist.engine.errors import UserError
from mmvist.engine.launch import load_config
from mmvist.registry import MODELS

ROOT = Path(__file__).parents[2]
NEIGHBOURS = (
    'ref_img_sampler=dict(_delete_=True, num_ref_imgs=2, frame_range=[-1, 1], '
    "filter_key_img=True, method='bilateral_uniform')"
)


def run(tool: str, folder: Path, *args: object) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / tool), *map(str, args)],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
    return done.stdout


def test_train_and_test_inside_mmtracking(youtube_vis: Path, tmp_path: Path) -> None:
    """Data set, pipelines, samplers, schedule, visualiser, metric: MMTracking's."""
    config = write_config(tmp_path, tiny_mmtrack_model(), NEIGHBOURS)
    run(
        *('train.py', youtube_vis, config, '--work-dir', tmp_path / 'run'),
        *('--cfg-options', 'train_cfg.max_epochs=2', 'train_cfg.val_begin=1'),
    )
    checkpoint = tmp_path / 'run' / 'epoch_2.pth'
    out = tmp_path / 'test'
    text = run(
        *('test.py', youtube_vis, config, checkpoint, '--eval', 'track_segm'),
        *('--work-dir', out, '--out', out / 'tracks.pkl', '--show-dir', out / 'show'),
        *('--cfg-options', 'default_hooks.visualization.draw=True'),
        *('default_hooks.visualization.interval=1',),
    )
    metrics = json.loads((out / 'metrics.json').read_text())
    assert {'youtube_vis/segm_mAP', 'mots/sMOTSA'} <= metrics.keys()
    assert metrics['mots/FP'] + metrics['mots/TP'] > 0, 'a test of nothing'
    rows, header = {}, re.search(r'^class .*sMOTSA.*\n-+$', text, re.M)
    for line in text[header.end() + 1 :].splitlines():
        name, *numbers = line.split()
        if name == 'overall':
            break
        rows[name] = [int(count) for count in numbers[3:6]]
    # TP, FP, FN: what the set has none of and nobody predicts is left out
    assert 'giant_panda' in rows and len(rows) < 40
    assert all(any(counts) for counts in rows.values())
    # MMTracking's visualiser: truth left, prediction right, of every frame
    pictures = sorted(out.glob('*/vis_data/vis_image/*.png'))
    assert len(pictures) == 2 * LENGTH
    assert cv2.imread(str(pictures[0])).shape == (60, 180, 3)
    assert len(list((out / 'show').glob('*/*.png'))) == 2 * LENGTH
    tracks = pickle.loads((out / 'tracks.pkl').read_bytes())
    assert len({one['img_id'] for one in tracks}) == 2 * LENGTH
    assert any(len(one['instances_id']) for one in tracks)


def test_the_truth_is_drawn_where_it_lies(mmtrack_scope, youtube_vis: Path) -> None:
    """MMTracking's own visualiser drew it at the scale of the network."""
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData
    from mmtrack.structures import TrackDataSample
    from mmtrack.visualization import TrackLocalVisualizer

    sample = TrackDataSample(
        metainfo=dict(ori_shape=(60, 90), img_shape=(120, 180), scale_factor=(2.0, 2.0))
    )
    mask = np.zeros((1, 128, 192), dtype=np.uint8)
    mask[0, 40:80, 100:160] = 1
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[100.0, 40.0, 160.0, 80.0]]),
        labels=torch.tensor([0]),
        masks=BitmapMasks(mask, 128, 192),
        instances_id=torch.tensor([1]),
    )
    drawn = {}
    visualizer = TrackLocalVisualizer(alpha=1.0)
    visualizer.add_image = lambda name, image, step: drawn.update(image=image)
    frame = np.zeros((60, 90, 3), dtype=np.uint8)
    visualizer.add_datasample('x', frame, sample, draw_pred=False)
    painted = drawn['image'].any(axis=2)
    assert painted[22:38, 52:78].mean() > 0.9
    assert not painted[45:].any() and not painted[:, :45].any()
    assert sample.gt_instances.bboxes[0, 0] == 100, 'the sample itself is left alone'


def test_spawned_loaders_are_refused(tmp_path: Path, capsys) -> None:
    """Their processes would import mmtrack without the bridge."""
    config = write_config(tmp_path, tiny_mmtrack_model(), NEIGHBOURS)
    change = {'env_cfg.mp_cfg.mp_start_method': 'spawn'}
    args = Namespace(
        config=str(config),
        cfg_options=change,
        launcher='none',
        work_dir=None,
        local_rank=0,
    )
    with pytest.raises(UserError, match="mp_start_method='spawn': processes that"):
        load_config(args)


@pytest.fixture
def shipped() -> Config:
    path = 'mmtrack/vae-vist_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
    cfg = Config.fromfile(CONFIGS / path)
    cfg.model.detector.init_cfg = cfg.model.detector.backbone.init_cfg = None
    return cfg


def test_the_shipped_config(mmtrack_scope, youtube_vis, shipped, monkeypatch) -> None:
    """At full width, one loss and one frame on tiny pictures."""
    from mmengine.dataset import pseudo_collate
    from mmengine.registry import DATASETS

    monkeypatch.chdir(youtube_vis)
    settings = [shipped.train_dataloader.dataset, shipped.test_dataloader.dataset]
    settings[0].pipeline[0].transforms[2].scale = (96, 64)
    settings[1].pipeline[2].scale = (96, 64)
    train, test = (DATASETS.build(one) for one in settings)
    model = MODELS.build(shipped.model)
    data = model.data_preprocessor(pseudo_collate([train[1]]), True)
    with torch.no_grad():
        losses = model.loss(**data)
    assert {'loss_kl', 'loss_aux', 'loss_proposal', 'loss_aug_mask'} <= losses.keys()
    total, _ = model.parse_losses(losses)
    assert torch.isfinite(total)
    [sample] = model.eval().test_step(pseudo_collate([test[0]]))
    assert 'instances_id' in sample.pred_track_instances


def test_a_video_through_a_config_of_mmtracking(
    mmtrack_scope, youtube_vis: Path, tmp_path: Path
) -> None:
    """The inferencer feeds MMTracking's pipeline with frames in memory."""
    config = write_config(tmp_path, tiny_mmtrack_model(), NEIGHBOURS)
    inferencer = VISTInferencer(Config.fromfile(config), device='cpu')
    images = youtube_vis / 'data/youtube_vis_2019/train/JPEGImages/v1'
    results = list(inferencer(images))
    assert [result.frame_id for result in results] == list(range(LENGTH))
    assert results[0].class_names[0] == 'person'
    assert results[0].image.shape[:2] == tuple(toy_video().frames.shape[-2:])
    assert sum(len(result.instances) for result in results) > 0, 'a test of nothing'
    assert all(result.instances.masks.shape[1:] == (60, 90) for result in results)
