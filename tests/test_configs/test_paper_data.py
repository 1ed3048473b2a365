"""The configs of the paper's size on tiny data in the layout of their data sets.

Each starts in a folder that has ``data/`` as the docs describe it, made by the
converters, and is changed in nothing but what a laptop forces.
"""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from mmdet.datasets import YouTubeVISDataset
from mmengine.config import Config, ConfigDict
from tiny_vist import CONFIGS, set_classes, tiny_config

from mmvist.datasets.converters import (
    MOTS_CHALLENGE_TRAIN,
    convert_mots_challenge,
    convert_youtubevis,
    leave_one_out,
    write_json,
)
from mmvist.engine import VISTRunner
from mmvist.testing import write_toy_mots_challenge, write_toy_youtube_vis

NAME = 'vae-vist_mask-rcnn_r101_fpn_4xb2-20e_{}.py'
FIRST_FOLD = 'motschallenge_fold-02'
YOUTUBE_VIS = ('youtubevis2019', 'youtubevis2021', 'ovis')


def load(data: str) -> Config:
    return Config.fromfile(CONFIGS / 'vae_vist' / NAME.format(data))


def spare(model: ConfigDict) -> None:
    """All layers as they are, for fewer boxes and from random weights."""
    model.detector.init_cfg = None
    model.detector.test_cfg.rpn.update(nms_pre=50, max_per_img=20)
    model.detector.test_cfg.rcnn.max_per_img = 5
    model.detector.train_cfg.rpn_proposal.update(nms_pre=50, max_per_img=20)
    model.detector.train_cfg.rcnn.sampler.num = 16
    model.augment_head.train_cfg.sampler.num = 16


def run(cfg: Config, work_dir: Path) -> dict[str, float]:
    """One iteration of training, then a test; the numbers of the test."""
    spare(cfg.model)
    cfg.optim_wrapper.optimizer = dict(type='SGD', lr=1e-4)  # half of Adam's memory
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
    cfg.train_dataloader.batch_size = 1
    cfg.train_dataloader.dataset.pipeline[1].transforms[2].scale = (96, 64)
    cfg.test_dataloader.dataset.pipeline[0].transforms[1].scale = (96, 64)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.default_hooks.checkpoint = None
    cfg.work_dir = str(work_dir)
    runner = VISTRunner.from_cfg(cfg)
    runner.train()
    loss = runner.message_hub.get_scalar('train/loss').current()
    assert runner.iter == 1 and torch.isfinite(torch.tensor(loss))
    return runner.test()


def test_mots_challenge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_toy_mots_challenge('data/MOTS20/train', MOTS_CHALLENGE_TRAIN[:2])
    for number, name in zip((1, 0), ('train', 'val')):
        content = convert_mots_challenge(root, [MOTS_CHALLENGE_TRAIN[number]])
        write_json(content, Path(f'data/MOTS20/annotations/MOTS20-02_{name}.json'))
    numbers = run(load(FIRST_FOLD), tmp_path / 'work')
    assert numbers['mots/GT'] == 13, 'objects of the sequence that is left out'
    assert numbers['mots/TP'] + numbers['mots/FN'] == 13
    assert 'mots/car/TP' not in numbers and 'youtube_vis/segm_mAP' in numbers


@pytest.mark.parametrize('fold', MOTS_CHALLENGE_TRAIN)
def test_folds_differ_in_their_files_alone(fold: str) -> None:
    cfg = load(f'motschallenge_{fold.replace("MOTS20", "fold")}')
    assert cfg.train_dataloader.dataset.ann_file == f'annotations/{fold}_train.json'
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.ann_file == f'annotations/{fold}_val.json'
    for metric in (*cfg.val_evaluator, *cfg.test_evaluator):
        assert metric.ann_file == f'data/MOTS20/annotations/{fold}_val.json'
    own, first = (json.dumps(one.to_dict()) for one in (cfg, load(FIRST_FOLD)))
    assert own.replace(fold, 'MOTS20-02') == first
    # such are the files that the converter writes
    assert leave_one_out(MOTS_CHALLENGE_TRAIN)[fold][1] == fold


def write_youtube_vis(cfg: Config, classes: Sequence[str]) -> None:
    """Data as the config looks for it: two videos to train on, one to test on."""
    truth_is_public = cfg.val_dataloader is not None
    for loader, videos in ((cfg.train_dataloader, 2), (cfg.test_dataloader, 1)):
        data = loader.dataset
        images = Path(data.data_root, data.data_prefix.img_path)
        content = write_toy_youtube_vis(images, classes, videos)
        if videos == 1 and not truth_is_public:
            del content['annotations']
        path = Path(data.data_root, data.ann_file)
        write_json(convert_youtubevis(content, path.name), path)


@pytest.mark.parametrize('name', YOUTUBE_VIS)
def test_youtube_vis(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2019 with the model of the paper's size, the others with a tiny one."""
    monkeypatch.chdir(tmp_path)
    cfg = load(name)
    classes = cfg.train_dataloader.dataset.metainfo.classes
    assert cfg.model.detector.roi_head.bbox_head.num_classes == len(classes)
    assert cfg.model.augment_head.roi_head.mask_head.num_classes == len(classes)
    write_youtube_vis(cfg, classes)
    if name != 'youtubevis2019':
        cfg.model = set_classes(tiny_config(), len(classes))
    numbers = run(cfg, tmp_path / 'work')
    if name == 'youtubevis2019':
        assert numbers['mots/GT'] == 13 and 'youtube_vis/segm_mAP' in numbers
        return
    assert not numbers, 'the truth is with the benchmark'
    prefix = cfg.test_evaluator.outfile_prefix
    tracks = json.loads(Path(f'{prefix}.json').read_text())
    assert isinstance(tracks, list)
    names = zipfile.ZipFile(f'{prefix}.submission_file.zip').namelist()
    assert names == ['results.json']


@pytest.mark.parametrize('year', ['2019', '2021'])
def test_class_lists_are_those_of_the_host(year: str) -> None:
    before = YouTubeVISDataset.METAINFO
    YouTubeVISDataset.set_dataset_classes(year)
    classes = YouTubeVISDataset.METAINFO['classes']
    YouTubeVISDataset.METAINFO = before
    assert load(f'youtubevis{year}').classes == classes


def test_what_the_paper_says_of_all_data_sets() -> None:
    """Section 4.1, and pretraining on COCO alone for YouTube-VIS."""
    for name in ('motschallenge_fold-11', *YOUTUBE_VIS):
        cfg = load(name)
        assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1.5e-4)
        assert cfg.train_cfg.max_epochs == 20
        assert cfg.train_dataloader.dataset.pipeline[1].transforms[2].scale == (
            1333,
            800,
        )
        assert 'coco' in cfg.model.detector.init_cfg.checkpoint
