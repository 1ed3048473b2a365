"""Mask R-CNN on COCO, then on Mapillary, then as the detector of VAE-VIST."""

import json
from pathlib import Path

import pytest
import torch
from mmdet.datasets import CocoDataset
from mmengine.config import Config
from mmengine.registry import DefaultScope
from tiny_vist import CONFIGS, set_classes, tiny_config

from mmvist.datasets.converters import convert_kitti_mots, write_json
from mmvist.engine import VISTRunner
from mmvist.registry import MODELS
from mmvist.testing import write_toy_mots

PRETRAIN = CONFIGS / 'pretrain'
COCO = PRETRAIN / 'mask-rcnn_r101_fpn_8xb2-24e_coco.py'
MAPILLARY = PRETRAIN / 'mask-rcnn_r101_fpn_8xb2-12e_mapillary.py'


def write_images(cfg: Config) -> None:
    """The toy video as images with car and person, where the config looks."""
    write_toy_mots('toy')
    content = convert_kitti_mots('toy', ['0000'])
    classes = cfg.train_dataloader.dataset.get('metainfo', CocoDataset.METAINFO)
    others = [name for name in classes['classes'] if name not in ('car', 'person')]
    content['categories'] = [
        dict(id=number, name=name)
        for number, name in enumerate(['car', 'person', *others], 1)
    ]
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        data = loader.dataset
        images = Path(data.data_root, data.data_prefix.img)
        images.parent.mkdir(parents=True, exist_ok=True)
        images.symlink_to(Path('toy/training/image_02').absolute())
        write_json(content, Path(data.data_root, data.ann_file))


@pytest.mark.parametrize('path', [COCO, MAPILLARY], ids=lambda path: path.stem)
def test_a_step_and_a_test(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(path)
    write_images(cfg)
    cfg.model.backbone.init_cfg, cfg.load_from = None, None
    cfg.model.test_cfg.rpn.update(nms_pre=50, max_per_img=20)
    # of 81 untrained classes none reaches the threshold of the config
    cfg.model.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    cfg.model.train_cfg.rpn_proposal.update(nms_pre=50, max_per_img=20)
    cfg.train_dataloader.batch_size = 1
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
        for step in loader.dataset.pipeline:
            if 'scale' in step:
                step.scale = (96, 64)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.default_hooks.checkpoint = None
    cfg.work_dir = str(tmp_path / 'work')
    runner = VISTRunner.from_cfg(cfg)
    runner.train()
    loss = runner.message_hub.get_scalar('train/loss').current()
    assert runner.iter == 1 and torch.isfinite(torch.tensor(loss))
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(runner.test())


def test_nothing_needs_torchvision() -> None:
    for path in (COCO, MAPILLARY):
        text = json.dumps(Config.fromfile(path).to_dict())
        assert 'torchvision://' not in text
    assert 'https://download.openmmlab.com' in Config.fromfile(MAPILLARY).load_from


def test_the_detector_is_that_of_vae_vist() -> None:
    """The same layers and the same preprocessing, but for the class layers."""
    ours = Config.fromfile(
        CONFIGS / 'vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'
    ).model
    with torch.device('meta'), DefaultScope.overwrite_default_scope('mmdet'):
        shapes = [
            {
                name: value.shape
                for name, value in MODELS.build(cfg).state_dict().items()
            }
            for cfg in (ours.detector, Config.fromfile(MAPILLARY).model)
        ]
        coco = MODELS.build(Config.fromfile(COCO).model).state_dict()
    assert shapes[0] == shapes[1], 'also the class layers: two classes'
    other = [name for name, value in coco.items() if value.shape != shapes[0][name]]
    assert other and all('fc_' in name or 'conv_logits' in name for name in other)
    for path in (COCO, MAPILLARY):
        preprocessor = Config.fromfile(path).model.data_preprocessor
        for key in ('mean', 'std', 'bgr_to_rgb', 'pad_size_divisor'):
            assert preprocessor[key] == ours.data_preprocessor[key]


@pytest.mark.parametrize('classes', [1, 2])
def test_vae_vist_takes_the_detector(classes: int, tmp_path: Path) -> None:
    """``model.detector.init_cfg.checkpoint`` names it, with any class list."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        weights = MODELS.build(tiny_config().detector).state_dict()
        checkpoint = tmp_path / 'epoch_12.pth'
        torch.save(dict(state_dict=weights, meta={}), checkpoint)
        cfg = set_classes(tiny_config(), classes)
        init = dict(type='Pretrained', checkpoint='https://one.of/the/config.pth')
        cfg.detector.init_cfg = init
        cfg = Config(dict(model=cfg))
        option = {'model.detector.init_cfg.checkpoint': str(checkpoint)}
        cfg.merge_from_dict(option)
        model = MODELS.build(cfg.model)
        model.init_weights()
    found = model.detector.state_dict()
    kept = [name for name, value in weights.items() if torch.equal(value, found[name])]
    left = set(weights) - set(kept)
    assert (len(left) == 0) == (classes == 2)
    assert all('fc_' in name or 'conv_logits' in name for name in left)
