"""MaskTrack R-CNN, as MMDetection has it and mended."""

import pytest
import torch
from mmdet.models.vis import MaskTrackRCNN as PortedModel
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from tiny_vist import CONFIGS, pair_data, test_data, tiny_config, toy_video

from mmvist.models import MaskTrackRCNN
from mmvist.registry import MODELS

PLAIN = CONFIGS / 'baselines/masktrack-rcnn_mask-rcnn_r18-half_fpn_synthetic.py'
MENDED = PLAIN.with_name(f'{PLAIN.stem}_mended.py')


def tiny(path=MENDED, **changes):
    """The model of a config, narrow; it detects six instances a frame."""
    config = Config.fromfile(path).model
    config.detector = tiny_config().detector
    config.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=6)
    config.track_head.roi_extractor.out_channels = 16
    config.track_head.embed_head.update(in_channels=16, fc_out_channels=8)
    if path == MENDED:
        config.show_score_thr = 0.0
    config.update(changes)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(config)
    torch.nn.init.normal_(model.track_head.embed_head.fcs[-1].weight)
    return model.eval()


def instances_of(model, frames, **meta):
    out = model.test_step(test_data(toy_video(), list(frames), **meta))
    return [one.pred_track_instances for one in out[0].video_data_samples]


def batch(model):
    return model.data_preprocessor(pair_data(toy_video(), [(1, 4), (5, 0)]), True)


def test_configs_name_the_hosts_model_and_ours():
    assert type(tiny(PLAIN)) is PortedModel
    assert type(tiny(MENDED)) is MaskTrackRCNN


def test_pieces_equal_the_whole_and_nothing_is_shared():
    whole = instances_of(tiny(), range(5))
    model = tiny()
    pieces = [one for t in range(5) for one in instances_of(model, [t])]
    for first, second in zip(whole, pieces, strict=True):
        assert len(first) and torch.equal(first.instances_id, second.instances_id)
        assert torch.equal(first.masks, second.masks)
        assert first.masks.shape == (len(first), 60, 90)
        assert first.masks.dtype == torch.bool and first.masks.sum(0).max() == 1
        assert first.masks.flatten(1).any(1).all()
        assert len(first.instances_id.unique()) == len(first)
    seen = [set(one.instances_id.tolist()) for one in whole]
    assert seen[0] & seen[-1], 'linked'


def test_the_hosts_own_results_break_both_rules():
    """Which is why ours are mended after the tracking, and metrics repair them."""
    model = tiny(PLAIN)
    found = instances_of(model, range(5))
    assert any(len(one.instances_id.unique()) < len(one) for one in found)
    assert any(one.masks.sum(0).max() > 1 for one in found)


def test_what_is_not_shown_is_tracked():
    model = tiny()
    scores = torch.cat([one.scores for one in instances_of(model, range(3))])
    limit = float(scores.median())
    other = tiny(show_score_thr=limit)
    shown = torch.cat([one.scores for one in instances_of(other, range(3))])
    assert 0 < len(shown) < len(scores) and shown.min() >= limit
    assert other.tracker.num_tracks == model.tracker.num_tracks


def test_another_video_starts_anew_wherever_it_begins():
    model = tiny()
    instances_of(model, range(3))
    other = instances_of(model, [2], video_id=7)
    assert torch.equal(other[0].instances_id, instances_of(tiny(), [2])[0].instances_id)


def test_losses_and_gradients():
    model = tiny().train()
    losses = model.loss(**batch(model))
    names = {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_mask'}
    assert losses.keys() == names | {'acc', 'loss_match', 'match_accuracy'}
    losses['loss_match'].backward()
    parts = {
        'track_head': True,
        'detector.backbone': True,
        'detector.neck': True,
        'detector.rpn_head': False,
        'detector.roi_head': False,
    }
    for name, expected in parts.items():
        grads = [one.grad for one in model.get_submodule(name).parameters()]
        assert any(g is not None and g.abs().sum() > 0 for g in grads) == expected, name


def test_the_detector_learns_from_the_key_frame_alone():
    model = tiny().train()
    torch.manual_seed(3)
    first = model.loss(**batch(model))
    torch.manual_seed(3)
    samples = batch(model)
    blank = samples['inputs'].clone()
    blank[:, 1] = 0
    second = model.loss(blank, samples['data_samples'])
    for name in ('loss_cls', 'loss_bbox', 'loss_mask'):
        assert torch.equal(first[name], second[name])
    assert not torch.equal(first['loss_match'], second['loss_match'])


@pytest.mark.parametrize('class_free', [True, False])
def test_the_rpn_knows_no_classes(class_free):
    """The port trains objects of every class but the first as background."""
    model = tiny(class_free_rpn=class_free).train()
    found = []
    for label in (0, 1):
        data = batch(model)
        for sample in data['data_samples']:
            sample[0].gt_instances.labels[:] = label
        torch.manual_seed(0)
        found.append(sum(model.loss(**data)['loss_rpn_cls']).item())
    assert (found[0] == found[1]) == class_free


def test_class_free_is_the_ports_loss_where_there_is_one_class():
    found = []
    for class_free in (True, False):
        model = tiny(class_free_rpn=class_free).train()
        data = batch(model)
        for sample in data['data_samples']:
            sample[0].gt_instances.labels[:] = 0
        torch.manual_seed(0)
        found.append(model.parse_losses(model.loss(**data))[0])
    torch.testing.assert_close(*found)


def test_identities_can_be_learnt():
    """The track head of a frozen detector, on two pairs of frames."""
    model = tiny().train()
    model.freeze_module('detector')
    optimizer = OptimWrapper(torch.optim.Adam(model.track_head.parameters(), lr=0.003))
    found = [
        model.train_step(pair_data(toy_video(), [(1, 4), (5, 0)]), optimizer)
        for _ in range(25)
    ]
    matched = [one['loss_match'].item() for one in found]
    assert sum(matched[-3:]) < 0.3 * sum(matched[:3])
