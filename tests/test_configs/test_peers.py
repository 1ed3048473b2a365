"""Peers of table 1: what VAE-VIST is given, they are given."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from tiny_vist import CONFIGS

PEERS = sorted(
    path
    for path in (CONFIGS / 'baselines').glob('*.py')
    if re.match('mask-rcnn-iou-tracker|masktrack-rcnn', path.name)
)
DATA = re.compile(
    r'r(?P<size>101|18-half|18-wide)_fpn_(4xb2-20e_)?'
    r'(?P<data>synthetic|compositemots|kittimots|motschallenge_fold-\d\d|youtubevis2019)'
)
SAME = (
    *('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader', 'randomness'),
    *('val_evaluator', 'test_evaluator', 'default_hooks', 'custom_hooks', 'env_cfg'),
)
"""Learning rate, schedule, length and test are those of VAE-VIST."""


def ours(path: Path) -> Config:
    """The config of VAE-VIST for the data set of a peer."""
    match = DATA.search(path.stem)
    small = match['size'] != '101'
    size = 'r18-half_fpn' if small else 'r101_fpn_4xb2-20e'
    name = f'vae-vist_mask-rcnn_{size}_{match["data"]}.py'
    return Config.fromfile(CONFIGS / 'vae_vist' / name)


def by_name(path: Path) -> str:
    return path.stem


def test_there_is_a_peer_for_every_column_of_table_1():
    found = {
        (path.name.split('_')[0], DATA.search(path.stem)['data']) for path in PEERS
    }
    folds = [f'motschallenge_fold-{fold}' for fold in ('02', '05', '09', '11')]
    for data in ('synthetic', 'compositemots', 'kittimots', *folds, 'youtubevis2019'):
        assert ('mask-rcnn-iou-tracker', data) in found
        assert ('masktrack-rcnn', data) in found


@pytest.mark.parametrize('path', PEERS, ids=by_name)
def test_nothing_is_kept_from_a_peer(path):
    peer, cfg = Config.fromfile(path), ours(path)
    for key in SAME:
        assert peer[key] == cfg[key], key
    loader, other = peer.train_dataloader.copy(), cfg.train_dataloader.copy()
    pipeline = loader.dataset.pop('pipeline')
    expected = other.dataset.pop('pipeline')
    assert loader == other, 'the same clips, as many samples in a step'
    assert pipeline[1] == expected[1], 'the same augmentation'
    assert peer.model.data_preprocessor == cfg.model.data_preprocessor
    detector, full = peer.model.detector.copy(), cfg.model.detector.copy()
    detector.pop('test_cfg'), full.pop('test_cfg')
    if '-wide' in path.stem:
        assert detector.backbone.pop('base_channels') > full.backbone.base_channels
        for part in (detector, full):
            part.pop('neck')
            for key in ('base_channels', 'stem_channels'):
                part.backbone.pop(key, None)
    assert detector == full


@pytest.mark.parametrize(
    'path', [path for path in PEERS if 'fold-02' in path.stem], ids=by_name
)
def test_folds_differ_in_their_files_alone(path):
    first = Config.fromfile(path)
    for fold in ('05', '09', '11'):
        other = Config.fromfile(path.with_name(path.name.replace('-02', f'-{fold}')))
        text = re.sub(rf'MOTS20-{fold}', 'MOTS20-02', repr(other._cfg_dict))
        assert text == repr(first._cfg_dict)


def test_the_port_is_mended_by_these_options():
    for size in ('r18-half_fpn', 'r101_fpn'):
        base = CONFIGS / '_base_/models'
        name = f'masktrack-rcnn_mask-rcnn_{size}'
        plain = Config.fromfile(base / f'{name}.py').model
        mended = Config.fromfile(base / f'{name}_mended.py').model
        assert plain.type == 'mmdet.MaskTrackRCNN'
        assert mended.type == 'mmvist.MaskTrackRCNN' and mended.class_free_rpn
        assert mended.track_head.embed_head.type == 'mmvist.RoIEmbedHead'
        assert mended.track_head.embed_head.last_relu is False
        assert mended.track_head.embed_head.normalizer == 'positives'
        assert mended.tracker.num_frames_retain is None
        assert mended.tracker.clear_losers and not mended.tracker.update_labels
        assert mended.detector.test_cfg.rcnn.score_thr == 0.05
        assert plain.tracker.num_frames_retain == 20
