"""MMTracking's own models on this stack, with their trackers and with ours."""

from pathlib import Path

import pytest
import torch
from host_kit import narrow
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.structures import InstanceData
from ytvis_kit import LENGTH, STOCK, write_mot17

from mmvist.engine import VISTRunner
from mmvist.interop.mmtrack.configs import spell_classes
from mmvist.models.trackers import IoUHungarianTracker

QDTRACK = (
    'mmtrack::mot/qdtrack/'
    'qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py'
)
BYTETRACK = (
    'mmtrack::mot/bytetrack/'
    'bytetrack_yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval.py'
)
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
    narrow(cfg)
    return cfg


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


def tracked(runner: VISTRunner) -> dict[int, list[InstanceData]]:
    """The instances of each test video, frame by frame."""
    runner.model.eval()
    found: dict[int, list[InstanceData]] = {}
    for batch in runner.build_dataloader(runner.cfg.test_dataloader):
        with torch.no_grad():
            [sample] = runner.model.test_step(batch)
        found.setdefault(sample.video_id, []).append(sample.pred_track_instances)
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
    """It builds, trains one iteration and tests a set."""
    monkeypatch.chdir(data)
    cfg = stock(name)
    cfg.model.tracker.update(LOW[name])
    if name == STOCK:
        cfg.test_evaluator.format_only = False
    runner = one_step(cfg, tmp_path)
    assert type(runner.model.tracker).__module__.startswith('mmtrack.')
    assert runner.test(), 'no metric'
    assert sum(map(len, tracked(runner)[1])) > 0, 'a test of nothing'


@pytest.mark.parametrize('name', LOW, ids=['MaskTrackRCNN', 'QDTrack', 'ByteTrack'])
def test_our_tracker_in_a_model_of_mmtracking(
    mmtrack_scope, data, tmp_path, monkeypatch, name
):
    """Named in a config as a user does it; identities live, and end with a video."""
    monkeypatch.chdir(data)
    cfg = stock(name)
    cfg.merge_from_dict(dict(model=dict(tracker=dict(OURS, _delete_=True))))
    cfg.work_dir = str(tmp_path)
    if name != BYTETRACK:  # random boxes: of many, some meet in the next frame
        cfg.model.detector.test_cfg.rcnn.max_per_img = 50
    runner = VISTRunner.from_cfg(cfg)
    assert isinstance(runner.model.tracker, IoUHungarianTracker)
    runner.model.init_weights()  # else boxes are not even finite
    videos = tracked(runner)
    assert [len(frames) for frames in videos.values()] == [LENGTH, LENGTH]
    for frames in videos.values():
        ids = [found.instances_id.tolist() for found in frames]
        assert all(len(set(one)) == len(one) for one in ids), 'an id twice in a frame'
        assert sorted(ids[0]) == list(range(1, len(ids[0]) + 1)), 'not started anew'
        lived_on = [set(before) & set(now) for before, now in zip(ids, ids[1:])]
        assert any(lived_on), 'every identity ends with its frame'
    assert ('masks' in videos[1][0]) == (name == STOCK)
