"""The five switches of the paper's table 2, and the options of ``VAEVIST``."""

import copy

import pytest
import torch
from tiny_vist import (
    FAST,
    frame_of,
    lively_model,
    test_data,
    tiny_config,
    tiny_model,
    toy_video,
    train_clip,
)

from mmvist.models import online
from mmvist.models.augment import Refined
from mmvist.models.trackers import NEW
from mmvist.registry import MODELS
from mmvist.structures.hosts import frame_from_sample


def forbidden(*args, **kwargs):
    raise AssertionError('this part must not run')


def instances_of(model, frames=range(3)):
    out = model.test_step(test_data(toy_video(), list(frames)))
    return [one.pred_track_instances for one in out[0].video_data_samples]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        assert set(a.keys()) == set(b.keys())
        for key in a.keys():  # noqa: SIM118, of InstanceData
            assert torch.equal(a[key], b[key]), key


def copy_weights(model, other):
    """The weights that both have."""
    own = other.state_dict()
    own.update({k: v for k, v in model.state_dict().items() if k in own})
    other.load_state_dict(own)
    return other


# ---------------------------------------------------------------- the five switches


def test_with_skip_drops_the_encoder_from_both_decoders():
    model, without = tiny_model(), tiny_model(with_skip=False)
    for skip, full, own in zip(
        (8, 16, 16, 16),
        model.proposal_head.decoder.fuse,
        without.proposal_head.decoder.fuse,
    ):
        assert full[0].in_channels - own[0].in_channels == skip
    for full, own in zip(
        model.augment_head.decoder.fuse, without.augment_head.decoder.fuse
    ):
        assert full[0].in_channels > own[0].in_channels == 16 + 16, 'x^Mask stays'
    losses = without.train().clip_loss(train_clip(without))
    assert set(losses) == set(model.train().clip_loss(train_clip(model)))


def test_with_corr_holds_rho_at_0():
    model = tiny_model().train()
    losses = model.clip_loss(train_clip(model))
    assert abs(losses['rho'] - 0.1) < 0.02
    model = tiny_model(with_corr=False).train()
    losses = model.clip_loss(train_clip(model))
    assert losses['rho'] == losses['abs_rho'] == 0 and losses['loss_kl'] > 0
    assert not [name for name, _ in model.named_parameters() if 'rho' in name]


def test_variational_false_is_an_encoder_decoder():
    model = tiny_model(variational=False).train()
    losses = model.clip_loss(train_clip(model))
    assert not {'loss_kl', 'rho', 'abs_rho', 'sigma'} & set(losses)
    assert not hasattr(model, 'kl_loss')
    names = {name for name, _ in model.named_parameters()}
    assert not [name for name in names if 'log_var' in name or 'rho' in name]
    losses['loss_aux'].backward()
    assert model.encoder.mean_head.weight.grad.any()


def test_with_aux_false_has_no_auxiliary_branch():
    model = tiny_model(with_aux=False, auxiliary_head=None).train()
    assert 'loss_aux' not in model.clip_loss(train_clip(model))
    assert not [name for name, _ in model.named_parameters() if 'auxiliary' in name]
    frame = frame_from_sample(torch.zeros(1, 3, 64, 96), toy_video().sample(0))
    with pytest.raises(ValueError, match='with_aux=False'):
        model.predict_next_frame(frame, None)


def test_with_augment_false_takes_all_from_mask_rcnn(monkeypatch):
    model = lively_model(with_augment=False, augment_head=None)
    assert not hasattr(model, 'augment_head') and not model.tracker.union
    heads = []
    for name in ('refine', 'segment'):
        function = getattr(online, name)

        def spy(given, *args, function=function, name=name):
            # segment takes pairs of heads and maps
            heads.extend([one for one, _ in given] if name == 'segment' else [given])
            return function(given, *args)

        monkeypatch.setattr(online, name, spy)
    instances = instances_of(model)
    assert all(len(one) and one.masks.any() for one in instances)
    assert len(heads) == 6 and all(head is model.detector.roi_head for head in heads)
    losses = model.train().clip_loss(train_clip(model))
    assert not [name for name in losses if name.startswith('loss_aug')]


def test_the_detectors_mask_head_does_not_run_beside_the_augment_branch(monkeypatch):
    model = lively_model()
    monkeypatch.setattr(model.detector.roi_head.mask_head, 'forward', forbidden)
    assert all(len(one) for one in instances_of(model))


@pytest.mark.parametrize(
    'switches',
    [
        dict(with_skip=False),
        dict(with_corr=False),
        dict(variational=False),
        dict(with_aux=False, with_augment=False),
    ],
    ids=str,
)
def test_every_weight_of_an_ablation_is_trained(switches):
    model = tiny_model(**switches).train()
    losses = model.clip_loss(train_clip(model))
    model.parse_losses(losses)[0].backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None]


@pytest.mark.parametrize('name', ['auxiliary_head', 'augment_head'])
def test_a_missing_head_is_named(name):
    with pytest.raises(ValueError, match=name):
        tiny_model(**{name: None})


def test_heads_of_different_class_lists_are_refused():
    config = tiny_config()
    config.augment_head.roi_head.mask_head.num_classes = 3
    with pytest.raises(ValueError, match=r'one num_classes, got \[2, 2, 2, 3\]'):
        MODELS.build(config)


def test_a_learned_prior_is_logged_and_trained():
    model = tiny_model(kl_loss=dict(prior_rho='learned')).train()
    losses = model.clip_loss(train_clip(model))
    assert abs(losses['prior_rho']) < 0.15
    assert not losses['prior_rho'].requires_grad
    losses['loss_kl'].backward()
    assert model.kl_loss.prior_logit.grad.any()


# -------------------------------------------------------- training parts stay outside


def test_testing_never_calls_what_only_trains(monkeypatch):
    model = lively_model()
    expected = instances_of(model)
    assert all(len(one) for one in expected)
    monkeypatch.setattr(model.auxiliary_head, 'forward', forbidden)
    monkeypatch.setattr(model.auxiliary_head, 'loss', forbidden)
    monkeypatch.setattr(model.kl_loss, 'forward', forbidden)
    for name in ('known', 'candidates', 'advance'):
        monkeypatch.setattr(model.training_samples, name, forbidden)
    monkeypatch.setattr(model, 'clip_loss', forbidden)
    monkeypatch.setattr('mmvist.distributions.GroupedNormal.rsample', forbidden)
    model._state = None
    assert_same(instances_of(model), expected)


def test_without_auxiliary_weights_the_output_is_the_same():
    model = lively_model()
    expected = instances_of(model)
    other = copy_weights(model, lively_model(with_aux=False))
    assert len(other.state_dict()) < len(model.state_dict())
    assert_same(instances_of(other), expected)
    for parameter in model.auxiliary_head.parameters():
        parameter.data.fill_(float('nan'))
    model._state = None
    assert_same(instances_of(model), expected)


def test_predict_next_frame_is_the_auxiliary_head_on_the_mean():
    model = lively_model()
    inputs = model.data_preprocessor(test_data(toy_video(), [0]), False)['inputs']
    frame = frame_from_sample(inputs[:, 0], toy_video().sample(0))
    picture = model.predict_next_frame(frame, None)
    assert picture.shape == (3, 60, 90)
    assert torch.equal(picture, model.predict_next_frame(frame, None))
    with torch.no_grad():
        z = model.encoder(frame.image, frame.image, torch.zeros(1, 1, 64, 96)).mean
        expected = model.auxiliary_head(z)[0, :, :60, :90]
    assert torch.equal(picture, expected)


# ---------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    'interval, frames', [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (3, [0, 3])]
)
def test_detect_interval(interval, frames, monkeypatch):
    """RPN and box head run on every n-th frame; no birth elsewhere."""
    model = lively_model(detect_interval=interval)
    seen = []
    for part in (model.detector.rpn_head, model.detector.roi_head.bbox_head):
        forward = part.forward

        def spy(*args, forward=forward):
            seen.append(model._state.steps if model._state else 0)
            return forward(*args)

        monkeypatch.setattr(part, 'forward', spy)
    instances = instances_of(model, range(5))
    assert seen == [t for t in frames for _ in range(2)]
    for t, one in enumerate(instances):
        assert len(one)
        if t not in frames:
            assert (one.kinds == 1).all() and not (one.kinds == NEW).any()


def test_detect_interval_must_be_positive():
    with pytest.raises(ValueError, match='detect_interval'):
        tiny_model(detect_interval=0)


def test_sample_at_test():
    """The letter of the paper; the default is a function of the input alone."""
    for sample, same in ((False, True), (True, False)):
        torch.manual_seed(0)
        model = lively_model(sample_at_test=sample)
        scores = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            model._state = None
            scores.append(instances_of(model, [0])[0].scores)
        equal = scores[0].shape == scores[1].shape and torch.equal(*scores)
        assert equal == same


@pytest.mark.parametrize(
    'weights, values', [('binary', {0, 1.0}), ('class', {0, 0.5, 1.0}), ('score', None)]
)
def test_mask_weights(weights, values):
    """Lambda_{t-1} of the model's own masks, in network pixels."""
    model = lively_model(mask_weights=weights)
    video = toy_video()
    sample = video.sample(0, ori_shape=(120, 180), scale_factor=(0.5, 0.5))
    frame = frame_from_sample(torch.randn(1, 3, 64, 96), sample)
    instances, state = model.step(frame, None)
    assert len(instances) and instances.masks.shape[1:] == (120, 180)
    image = state.combined_mask
    assert image.shape == (1, 1, 64, 96) and image.any()
    assert not image[..., 60:, :].any() and not image[..., 90:].any()
    covered = instances.masks.any(dim=0)[::2, ::2]
    assert torch.equal(image[0, 0, :60, :90] > 0, covered)
    allowed = values or {0.0, *instances.scores.tolist()}
    assert set(image.unique().tolist()) <= allowed
    seen = []
    encoder = model.encoder.forward
    model.encoder.forward = lambda *args: seen.append(args) or encoder(*args)
    later = copy.copy(frame)
    later.frame_id = 1
    later.image = torch.randn(1, 3, 64, 96)
    model.step(later, state)
    assert all(
        torch.equal(a, b) for a, b in zip(seen[0], (later.image, frame.image, image))
    )


def test_freeze_detector():
    model = tiny_model(freeze_detector=True).train()
    assert not any(module.training for module in model.detector.modules())
    assert model.encoder.training
    before = copy.deepcopy(model.detector.state_dict())
    losses = model.clip_loss(train_clip(model))
    assert not {
        'loss_rpn_cls',
        'loss_rpn_bbox',
        'loss_cls',
        'loss_bbox',
        'loss_mask',
    } & set(losses)
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(p.grad is None for p in model.detector.parameters())
    for name, value in model.detector.state_dict().items():
        assert torch.equal(value, before[name]), name
    others = [(n, p) for n, p in model.named_parameters() if 'detector' not in n]
    assert not [name for name, p in others if p.grad is None]


# ------------------------------------------------------------------- fused heads


def test_fused_heads_say_the_mean_of_both():
    said = [
        Refined(torch.full((2, 3), value), torch.full((2, 3, 4), 10 * value))
        for value in (0.2, 0.6)
    ]
    mean = Refined.mean(said)
    assert torch.allclose(mean.probs, torch.full((2, 3), 0.4))
    assert torch.allclose(mean.boxes, torch.full((2, 3, 4), 4.0))
    assert Refined.mean(said[:1]) is said[0]


def test_fused_heads_of_twins_are_each_of_them():
    """Where D_aug says what the detector says, the mean changes nothing."""
    alone = lively_model(with_augment=False)
    fused = copy_weights(alone, lively_model(fuse_heads=True))
    fused._heads = lambda z, encoding, features, frame: (
        2 * [(fused.frame_detector.roi_head, lambda boxes: features)]
    )
    fused.tracker.union = False
    assert_same(instances_of(alone), instances_of(fused))


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
def test_fused_heads_are_both_heard(changes):
    model = lively_model(fuse_heads=True, **changes)
    both = instances_of(model)
    model.fuse_heads = False
    one = instances_of(model)
    assert sum(map(len, both))
    assert any(
        a.scores.shape != b.scores.shape or not torch.equal(a.scores, b.scores)
        for a, b in zip(both, one, strict=True)
    )


def test_detail_is_that_of_the_frame(monkeypatch):
    model = lively_model(**FAST)
    forward, given = model.augment_head.forward, []

    def spy(*args, frame):
        given.append(frame)
        return forward(*args, frame=frame)

    monkeypatch.setattr(model.augment_head, 'forward', spy)
    state = None
    for number in range(2):
        frame = frame_of(torch.rand(1, 3, 64, 96), frame_id=number)
        _, state = model.step(frame, state)
        assert torch.equal(given[number], frame.image)
    assert not torch.equal(*given)


def test_heads_that_cannot_be_fused_are_named():
    with pytest.raises(ValueError, match='with_augment=True'):
        tiny_model(fuse_heads=True, with_augment=False)


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
def test_channels_last_changes_the_layout_alone(changes):
    model = lively_model(**changes)
    other = copy_weights(model, lively_model(channels_last=True, **changes))
    maps = {}
    for name, one in (('first', model), ('last', other)):
        one.encoder.blocks[1].register_forward_hook(
            lambda *args, name=name: maps.__setitem__(name, args[2])
        )
    for a, b in zip(instances_of(model), instances_of(other), strict=True):
        assert torch.equal(a.instances_id, b.instances_id) and len(a.labels)
        torch.testing.assert_close(a.bboxes, b.bboxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(a.scores, b.scores, rtol=1e-4, atol=1e-4)
    layout = torch.channels_last
    # after other weights were loaded, too
    assert maps['last'].is_contiguous(memory_format=layout)
    assert not maps['first'].is_contiguous(memory_format=layout)
    torch.testing.assert_close(maps['last'], maps['first'], rtol=1e-4, atol=1e-4)
    losses = []
    for one in (model, other):
        torch.manual_seed(0)
        losses.append(one.train().clip_loss(train_clip(one)))
    for name, value in losses[0].items():
        torch.testing.assert_close(losses[1][name], value, rtol=1e-3, atol=1e-3)
