"""MMTracking's own models on this stack, with their trackers and with ours."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.structures import InstanceData
from ytvis_kit import LENGTH, STOCK, write_mot17

from mmvist.engine import VISTRunner
from mmvist.interop.mmtrack.configs import spell_classes
from mmvist.models.trackers import IoUHungarianTracker
from mmvist.registry import MODELS

QDTRACK = (
    'mmtrack::mot/qdtrack/'
    'qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py'
)
BYTETRACK = (
    'mmtrack::mot/bytetrack/'
    'bytetrack_yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval.py'
)
SIDE = 96
OURS = dict(
    type='mmvist.IoUHungarianTracker',
    match_score_thr=0.0,
    birth_score_thr=0.0,
    keep_score_thr=0.0,
)


@pytest.fixture(scope='module')
def data(youtube_vis: Path) -> Path:
    """MOT17, CrowdHuman and YouTube-VIS where the stock configs look for them."""
    write_mot17(youtube_vis)
    return youtube_vis


def stock(name: str) -> Config:
    """A config of the wheel, its sizes reduced and nothing else."""
    cfg = get_config(name)
    spell_classes(cfg)
    shrink(cfg._cfg_dict)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
    detector = cfg.model.detector
    detector.init_cfg = None
    if detector.type == 'YOLOX':
        detector.backbone.update(deepen_factor=0.33, widen_factor=0.125)
        detector.neck.update(in_channels=[32, 64, 128], out_channels=32)
        detector.neck.num_csp_blocks = 1
        detector.bbox_head.update(in_channels=32, feat_channels=32)
        cfg.model.data_preprocessor.batch_augments[0].random_size_range = (64, 128)
        detector.test_cfg.score_thr = 0.0
    else:
        detector.backbone.update(depth=18, stem_channels=16, base_channels=16)
        detector.backbone.init_cfg = None
        detector.neck.in_channels = [16, 32, 64, 128]
        detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    return cfg


def shrink(cfg: object) -> None:
    """Every size of a picture becomes ``SIDE``."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key in ('scale', 'img_scale', 'crop_size'):
                cfg[key] = (SIDE, SIDE)
            elif key == 'border':
                cfg[key] = (-SIDE // 2, -SIDE // 2)
            else:
                shrink(value)
    elif isinstance(cfg, list | tuple):
        for value in cfg:
            shrink(value)


def one_step(cfg: Config, work_dir: Path) -> VISTRunner:
    """Train one iteration."""
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.param_scheduler = None
    cfg.custom_hooks = []  # EMA and mode switches of whole epochs
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', by_epoch=False)
    cfg.work_dir = str(work_dir)
    runner = VISTRunner.from_cfg(cfg)
    runner.train()
    return runner


def tracked(runner: VISTRunner) -> list[InstanceData]:
    """The instances of the first test video, frame by frame."""
    runner.model.eval()
    found = []
    for batch in runner.build_dataloader(runner.cfg.test_dataloader):
        with torch.no_grad():
            [sample] = runner.model.test_step(batch)
        if sample.video_id != 1:
            break
        found.append(sample.pred_track_instances)
    return found


LOW = {
    STOCK: {},
    QDTRACK: dict(init_score_thr=0.0, obj_score_thr=0.0),
    BYTETRACK: dict(
        obj_score_thrs=dict(high=0.0, low=0.0),
        init_track_thr=0.0,
        weight_iou_with_det_scores=False,
        match_iou_thrs=dict(high=0.1, low=0.1, tentative=0.1),
    ),
}
"""Thresholds at which the own tracker shows what an untrained model finds."""


@pytest.mark.parametrize('name', LOW, ids=['MaskTrackRCNN', 'QDTrack', 'ByteTrack'])
def test_a_model_of_mmtracking(mmtrack_scope, data, tmp_path, monkeypatch, name):
    """It builds, trains one iteration and tests; then tracks with our tracker."""
    monkeypatch.chdir(data)
    cfg = stock(name)
    cfg.model.tracker.update(LOW[name])
    if name == STOCK:
        cfg.test_evaluator.format_only = False
    runner = one_step(cfg, tmp_path)
    assert type(runner.model.tracker).__module__.startswith('mmtrack.')
    assert runner.test(), 'no metric'
    assert sum(map(len, tracked(runner))) > 0, 'a test of nothing'

    runner.model.tracker = MODELS.build(OURS)
    frames = tracked(runner)
    assert len(frames) == LENGTH and all(map(len, frames)), 'a test of nothing'
    for found in frames:
        ids = found.instances_id.tolist()
        assert len(set(ids)) == len(ids) and min(ids) >= 1
    assert ('masks' in frames[0]) == (name == STOCK)


@pytest.mark.parametrize('name', LOW, ids=['MaskTrackRCNN', 'QDTrack', 'ByteTrack'])
def test_our_tracker_is_named_in_a_config(mmtrack_scope, name):
    cfg = stock(name)
    cfg.model['tracker'] = OURS
    model = MODELS.build(dict(cfg.model, type=f'mmtrack.{cfg.model.type}'))
    assert isinstance(model.tracker, IoUHungarianTracker)
