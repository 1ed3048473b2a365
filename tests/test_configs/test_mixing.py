"""``configs/mixing``: each is trained for a step and tested, by the tools."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from host_kit import kept_scope, narrow
from mmdet.datasets import CocoDataset
from mmengine.config import Config
from tiny_vist import CONFIGS, SHOWS_ALL, tiny_config
from tool_kit import tool
from ytvis_kit import write_mot17, write_youtube_vis

from mmvist.engine import load_checkpoint
from mmvist.engine.launch import load_config
from mmvist.registry import MODELS
from mmvist.testing import write_toy_mots

MIXING = CONFIGS / 'mixing'
MASKTRACK = 'masktrack-rcnn_r50_fpn_youtubevis2019_iou-hungarian.py'
SORT = 'sort_faster-rcnn_r50_fpn_mot17half_iou-hungarian.py'
BYTETRACK = 'bytetrack_yolox_x_mot17half_iou-hungarian.py'
LATENT_IMAGE = 'mask-rcnn_r50_fpn_1x_coco_latent-supervision.py'
LATENT_CLIP = 'mask-rcnn-iou_r18-half_fpn_synthetic_latent-supervision.py'
IMAGE_VAE = 'image-vae_synthetic_gp-kl.py'
RTMDET = 'vae-vist_rtmdet-ins_tiny_synthetic.py'
TRIED = {MASKTRACK, SORT, BYTETRACK, LATENT_IMAGE, LATENT_CLIP, IMAGE_VAE, RTMDET}


@pytest.fixture(scope='module')
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``data`` as the hosts' configs look for it, and our toy clip."""
    folder = tmp_path_factory.mktemp('home')
    videos = write_youtube_vis(folder, videos=1)
    write_mot17(folder)
    write_toy_mots(folder / 'data' / 'synthetic')
    _write_coco(folder / 'data' / 'coco', videos)
    return folder


def _write_coco(coco: Path, videos: Path) -> None:
    """The frames of YouTube-VIS as images of COCO's classes."""
    annotations = videos / 'annotations' / 'youtube_vis_2019_train.json'
    truth = json.loads(annotations.read_text())
    classes = CocoDataset.METAINFO['classes']
    truth['categories'] = [dict(id=i, name=name) for i, name in enumerate(classes, 1)]
    (coco / 'annotations').mkdir(parents=True)
    for split in ('train', 'val'):
        path = coco / 'annotations' / f'instances_{split}2017.json'
        path.write_text(json.dumps(truth))
        (coco / f'{split}2017').symlink_to(videos / 'train' / 'JPEGImages')


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a user starts the tools."""
    monkeypatch.chdir(home)
    with kept_scope():
        yield


def load(name: str) -> Config:
    """A config of the folder; its tracker shows what an untrained model finds."""
    args = dict(cfg_options=None, work_dir=None, launcher='none', local_rank=0)
    cfg = load_config(Namespace(config=str(MIXING / name), **args))
    if 'tracker' in cfg.model:
        assert cfg.model.tracker.type == 'mmvist.IoUHungarianTracker'
        cfg.model.tracker.update(SHOWS_ALL)
    return cfg


def one_step(cfg: Config) -> None:
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.param_scheduler = None
    cfg.custom_hooks = []  # EMA and mode switches of whole epochs
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', by_epoch=False)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)


def trained(cfg: Config, folder: Path) -> Path:
    """Train one iteration; the checkpoint."""
    one_step(cfg)
    cfg.dump(str(folder / 'config.py'))
    tool('train').main([str(folder / 'config.py'), '--work-dir', str(folder)])
    return folder / 'iter_1.pth'


def scored(folder: Path, checkpoint: Path, *more: str) -> dict[str, float]:
    """What ``metrics.json`` says of a checkpoint."""
    tool('test').main(
        [str(folder / 'config.py'), str(checkpoint), '--work-dir', str(folder), *more]
    )
    return json.loads((folder / 'metrics.json').read_text())


def test_each_config_is_tried_and_told_of() -> None:
    there = {path.name for path in MIXING.glob('*.py')} - {'image_vae.py'}
    assert there == TRIED
    told = (CONFIGS.parent / 'docs' / 'mixing.md').read_text()
    assert not [name for name in sorted(there) if name not in told]


def test_masktrack_rcnn_with_our_tracker(tmp_path: Path) -> None:
    cfg = load(MASKTRACK)
    narrow(cfg)
    checkpoint = trained(cfg, tmp_path)
    metrics = scored(tmp_path, checkpoint, '--eval', 'track_segm')
    assert metrics['mots/TP'] + metrics['mots/FP'] > 0, 'a test of nothing'
    assert 'youtube_vis/segm_mAP' in metrics


def test_bytetrack_with_our_tracker(tmp_path: Path) -> None:
    cfg = load(BYTETRACK)
    narrow(cfg)
    # it fails where no track lives for five frames
    cfg.test_evaluator.postprocess_tracklet_cfg = []
    metrics = scored(tmp_path, trained(cfg, tmp_path))
    assert metrics['motchallenge-metric/FP'] > 0, 'a test of nothing'


def test_sort_with_our_tracker(tmp_path: Path) -> None:
    """SORT itself does not train; a box that stays where it is keeps its identity."""
    cfg = load(SORT)
    narrow(cfg)
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = tmp_path / 'random.pth'
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), checkpoint)
    metrics = scored(tmp_path, checkpoint)
    assert metrics['motchallenge-metric/FP'] > 0, 'a test of nothing'


def test_latent_supervision_of_images(tmp_path: Path) -> None:
    cfg = load(LATENT_IMAGE)
    narrow(cfg)
    cfg.model.encoder.in_channels = 128
    checkpoint = trained(cfg, tmp_path)
    names = load_checkpoint(checkpoint)['state_dict']
    assert {name.split('.')[0] for name in names} == {
        *('detector', 'encoder', 'auxiliary_head', 'kl_loss')
    }
    assert 'coco/segm_mAP' in scored(tmp_path, checkpoint)


def test_latent_supervision_of_clips(tmp_path: Path) -> None:
    cfg = load(LATENT_CLIP)
    cfg.model.detector.detector = tiny_config().detector
    cfg.model.detector.tracker.update(SHOWS_ALL)
    cfg.model.encoder.in_channels = 64
    metrics = scored(tmp_path, trained(cfg, tmp_path))
    assert metrics['mots/TP'] + metrics['mots/FP'] > 0, 'a test of nothing'


def test_vae_vist_beside_rtmdet(tmp_path: Path) -> None:
    """At its full size, which is small."""
    cfg = load(RTMDET)
    cfg.model.detector.test_cfg.update(score_thr=0.0, max_per_img=5)
    metrics = scored(tmp_path, trained(cfg, tmp_path))
    assert metrics['mots/TP'] + metrics['mots/FP'] > 0, 'a test of nothing'


def test_a_model_of_plain_mmengine(tmp_path: Path) -> None:
    """Neither the config nor the model that lies beside it knows MMDetection."""
    for name in (IMAGE_VAE, 'image_vae.py'):
        assert 'mmdet' not in (MIXING / name).read_text()
    cfg = load(IMAGE_VAE)
    assert cfg.default_scope == 'mmengine'
    checkpoint = trained(cfg, tmp_path)
    assert 'kl_loss.prior_logit' in load_checkpoint(checkpoint)['state_dict']
    assert scored(tmp_path, checkpoint)['vae/mse'] > 0
