"""What is measured over a whole test set: uncertainty, times, the use of z."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from pycocotools import mask as mask_utils
from tiny_vist import DEMO, SHOWS_ALL, tiny_config

from mmvist.analysis.latent_use import latent_use
from mmvist.analysis.timing import WARMUP, step_times
from mmvist.analysis.uncertainty import Uncertainty, measure_uncertainty
from mmvist.apis.inference import plain_instances
from mmvist.datasets.converters import convert_kitti_mots, write_json
from mmvist.datasets.synthetic import write_synthetic
from mmvist.engine.launch import build_runner
from mmvist.evaluation.absence import by_instance, load_hidden
from mmvist.evaluation.truth import load_truth
from mmvist.structures.hosts import flat_samples

FRAMES, CLIPS = 4, 2


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generated clips, and the weights of a model that nobody trained."""
    root = tmp_path_factory.mktemp('clips') / 'data'
    clips = write_synthetic(root, train_clips=0, val_clips=CLIPS, frames=FRAMES)
    write_json(convert_kitti_mots(root, clips['val']), root / 'annotations/val.json')
    torch.manual_seed(0)
    runner = build_runner(config(root))
    torch.save(dict(state_dict=runner.model.state_dict()), root / 'tiny.pth')
    return root


def config(root: Path) -> Config:
    cfg = Config.fromfile(str(DEMO))
    cfg.model = tiny_config(tracker=SHOWS_ALL)
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    cfg.train_dataloader = cfg.train_cfg = cfg.optim_wrapper = None
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.param_scheduler = None
    cfg.test_dataloader.dataset.data_root = str(root)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.test_evaluator = [
        dict(type='mmvist.MOTSMetric', ann_file=str(root / 'annotations/val.json'))
    ]
    cfg.work_dir, cfg.launcher = str(root.parent / 'work'), 'none'
    cfg.log_level = 'WARNING'
    return cfg


def test_predictions_meet_the_truth_of_their_frame(root: Path) -> None:
    """By the names of the frames, where the report goes by their numbers."""
    runner = build_runner(config(root))
    truth = load_truth(str(root / 'annotations/val.json'))
    frames = {one.file_name: one for video in truth.videos for one in video.frames}
    model, by_hand, last = runner.model.eval(), Uncertainty(), None
    model.num_samples = 2
    for batch in runner.test_dataloader:
        for sample in model.test_step(batch):
            for one in flat_samples(sample):
                name = '/'.join(Path(one.img_path).parts[-2:])
                if name.split('/')[0] != last:
                    by_hand.start_video()
                last = name.split('/')[0]
                seen = plain_instances(one.pred_track_instances, one.ori_shape)
                by_hand.add(seen, frames[name])
    model.num_samples = 3
    found = measure_uncertainty(runner, truth, 2)
    assert len(found.identity) == len(by_hand.identity) > 0
    assert found.identity.ece() == by_hand.identity.ece()
    assert len(found.pixels) == len(by_hand.pixels) > 0
    assert found.pixels.ece() == by_hand.pixels.ece()
    assert model.num_samples == 3 and 'latents' not in vars(model)


def test_hidden_fractions_are_those_of_the_instances(root: Path) -> None:
    """The converter numbers instances; the generator wrote values of pixels."""
    truth = load_truth(str(root / 'annotations/val.json'))
    hidden, compared = load_hidden(root / 'hidden.json'), []
    for video in truth.videos:
        ids = {one for frame in video.frames for one in frame.instance_ids}
        shares = by_instance(hidden[video.name], ids)
        for t, frame in enumerate(video.frames):
            path = root / 'instances' / video.name / f'{t:06}.png'
            pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            for one, rle in zip(frame.instance_ids, frame.rles, strict=True):
                [value] = np.unique(pixels[mask_utils.decode(rle) > 0])
                fraction = hidden[video.name][t][str(value)]
                assert shares[t][one] == fraction
                compared.append(fraction)
    assert len(set(compared)) > 2, 'a test of nothing'


def test_every_number_of_draws_sees_every_frame(root: Path) -> None:
    runner = build_runner(config(root))
    found = step_times(runner, [1, 2], frames=FRAMES)
    assert set(found.seconds) == {'1', '2'}
    counts = {len(times) for times in found.seconds.values()}
    assert counts == {FRAMES * CLIPS - WARMUP} or counts == {FRAMES - WARMUP}
    assert runner.model.num_samples == 1


def test_its_own_z_is_a_plain_test_and_others_are_others(root: Path) -> None:
    weights = str(root / 'tiny.pth')
    cfg = config(root)
    cfg.load_from = weights
    plain = build_runner(cfg).test()
    own, other, zero = latent_use(config(root), weights)
    assert own.metrics == json.loads(json.dumps(plain))
    assert own.metrics['mots/TP'] + own.metrics['mots/FP'] > 0
    errors = {one.probe.aux_error for one in (own, other, zero)}
    assert len(errors) == 3
