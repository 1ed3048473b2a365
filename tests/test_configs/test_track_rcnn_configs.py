"""TrackR-CNN is no handicapped peer: what its configs share with those of VAE-VIST."""

import json

import pytest
from mmengine.config import Config
from tiny_vist import CONFIGS

from mmvist.datasets.converters import MOTS_CHALLENGE_TRAIN

SMALL = ('synthetic', 'compositemots')
FOLDS = tuple(
    one.replace('MOTS20', 'motschallenge_fold') for one in MOTS_CHALLENGE_TRAIN
)
LARGE = ('kittimots', 'youtubevis2019', *FOLDS)


def load(data: str) -> tuple[Config, Config]:
    """Of TrackR-CNN and of VAE-VIST."""
    if data in SMALL:
        names = 'track-rcnn_r18-half_fpn_{}', 'vae-vist_mask-rcnn_r18-half_fpn_{}'
    else:
        names = (
            'track-rcnn_r101_fpn_1xb1-20e_{}',
            'vae-vist_mask-rcnn_r101_fpn_4xb2-20e_{}',
        )
    folders = 'baselines', 'vae_vist'
    return tuple(
        Config.fromfile(CONFIGS / folder / f'{name.format(data)}.py')
        for folder, name in zip(folders, names)
    )


@pytest.mark.parametrize('data', SMALL)
def test_as_many_supervised_frames_in_all(data):
    track, vist = load(data)
    assert track.model.get('supervised_frames') is None
    clip = track.train_dataloader.dataset.pipeline[0].num_frames
    assert clip == 8
    frames = track.train_dataloader.batch_size * clip * track.train_cfg.max_iters
    assert frames == vist.train_dataloader.batch_size * vist.train_cfg.max_iters
    for cfg in (track, vist):
        first, second = cfg.param_scheduler
        assert first.end == second.begin
        assert second.end == cfg.train_cfg.max_iters == second.T_max + second.begin


def test_equal_steps():
    vist = load('synthetic')[1]
    name = 'track-rcnn_r18-half_fpn_synthetic_equal-steps.py'
    track = Config.fromfile(CONFIGS / 'baselines' / name)
    frames = track.model.supervised_frames * track.train_dataloader.batch_size
    assert frames == vist.train_dataloader.batch_size
    assert track.train_cfg == vist.train_cfg
    assert track.param_scheduler == vist.param_scheduler


@pytest.mark.parametrize('data', LARGE)
def test_as_many_supervised_frames_in_a_step_and_in_all(data):
    track, vist = load(data)
    loader = track.train_dataloader
    clip = loader.dataset.pipeline[0].num_frames
    assert clip == loader.sampler.clip_length == 8, 'an epoch has an eighth of samples'
    step = track.auto_scale_lr.base_batch_size * clip
    assert step == vist.auto_scale_lr.base_batch_size
    assert track.train_cfg.max_epochs == vist.train_cfg.max_epochs
    assert track.param_scheduler == vist.param_scheduler


@pytest.mark.parametrize('data', [*SMALL, *LARGE])
def test_the_same_detector_data_and_optimiser(data):
    track, vist = load(data)
    own, other = track.model.detector, vist.model.detector
    assert own.roi_head.pop('association_head')
    assert own.roi_head.pop('type') == 'mmvist.AssociationRoIHead'
    assert other.roi_head.pop('type').endswith('StandardRoIHead')
    assert own == other
    assert track.optim_wrapper == vist.optim_wrapper
    assert track.test_dataloader == vist.test_dataloader
    assert track.test_evaluator == vist.test_evaluator
    pipelines = [one.train_dataloader.dataset.pipeline for one in (track, vist)]
    assert pipelines[0][1:] == pipelines[1][1:]


@pytest.mark.parametrize('data', [*SMALL, *LARGE])
def test_widths_fit_the_detector(data):
    model = load(data)[0].model
    widths = model.detector.neck.in_channels
    convs = model.temporal_convs
    assert convs.channels == tuple(widths[level] for level in convs.levels)
    heads = model.detector.roi_head
    assert heads.association_head.in_channels == heads.bbox_head.fc_out_channels
    classes = heads.bbox_head.num_classes
    for value in (model.tracker.get('score_thr', 0), model.tracker.get('max_distance')):
        assert not isinstance(value, tuple) or len(value) == classes


@pytest.mark.parametrize('data', FOLDS)
def test_folds_differ_in_their_files_alone(data):
    number = data[-2:]
    own, first = (json.dumps(load(one)[0].to_dict()) for one in (data, FOLDS[0]))
    assert own.replace(f'MOTS20-{number}', 'MOTS20-02') == first
