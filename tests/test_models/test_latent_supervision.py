"""D_aux and the KL on the backbone of another model."""

import pytest
import torch
from tiny_vist import (
    SHOWS_ALL,
    test_data,
    tiny_config,
    toy_video,
    train_data,
)

from mmvist.registry import MODELS

AUXILIARY = dict(type='mmvist.AuxiliaryHead', latent_channels=4, widths=(4, 4, 4, 4, 4))


def supervised(detector, **changes):
    torch.manual_seed(0)
    config = dict(
        type='mmvist.LatentSupervision',
        detector=detector,
        encoder=dict(type='mmvist.FeatureEncoder', in_channels=64, latent_channels=4),
        auxiliary_head=AUXILIARY,
    )
    return MODELS.build(config | changes)


@pytest.fixture(scope='module')
def images():
    """Mask R-CNN with its own preprocessor."""
    config = tiny_config()
    preprocessor = dict(config.data_preprocessor, type='mmdet.DetDataPreprocessor')
    return supervised(dict(config.detector, data_preprocessor=preprocessor))


@pytest.fixture(scope='module')
def clips():
    """Mask R-CNN with IoU linking, which trains on t-1, t and t+1."""
    config = tiny_config()
    return supervised(
        dict(
            type='mmvist.MaskRCNNIoU',
            data_preprocessor=config.data_preprocessor,
            detector=config.detector,
            tracker=dict(type='mmvist.IoUHungarianTracker', **SHOWS_ALL),
        )
    )


def image_batch(model):
    video = toy_video(2)
    samples = [video.sample(t) for t in (0, 1)]
    data = dict(inputs=list(video.frames), data_samples=samples)
    return model.data_preprocessor(data, True)


def clip_batch(model):
    return model.data_preprocessor(train_data(toy_video(), (1, 5)), True)


def asked_for(model, batch, monkeypatch):
    """Losses, and the arguments of D_aux."""
    seen = []
    real = model.auxiliary_head.loss
    monkeypatch.setattr(
        model.auxiliary_head, 'loss', lambda *args: seen.append(args) or real(*args)
    )
    return model.train().loss(**batch), seen[0]


def test_an_image_is_asked_for_itself(images, monkeypatch):
    batch = image_batch(images)
    losses, (z, target, exists, shapes) = asked_for(images, batch, monkeypatch)
    assert z.shape == (2, 4, 2, 3) and batch['inputs'].shape == (2, 3, 64, 96)
    assert torch.equal(target, batch['inputs']) and exists.all()
    assert shapes == [(60, 90), (60, 90)], 'padding is not asked for'
    own = {'loss_aux', 'loss_kl', 'rho', 'abs_rho', 'sigma'}
    plain = images.detector(**image_batch(images), mode='loss')
    assert losses.keys() == plain.keys() | own


def test_a_clip_is_asked_for_its_next_frame(clips, monkeypatch):
    batch = clip_batch(clips)
    losses, (_, target, exists, _) = asked_for(clips, batch, monkeypatch)
    assert torch.equal(target, batch['inputs'][:, 2])
    assert exists.tolist() == [True, False], 'the second ends the video'
    assert {'loss_aux', 'loss_kl', 'loss_rpn_cls', 'loss_mask'} <= losses.keys()


@pytest.mark.parametrize('loss', ['loss_aux', 'loss_kl'])
def test_what_the_latents_teach(images, loss):
    """The backbone too, and no head of the detector."""
    images.train()
    images.zero_grad()
    images.loss(**image_batch(images))[loss].backward()
    taught = {
        name.split('.')[0 if not name.startswith('detector') else 1]
        for name, parameter in images.named_parameters()
        if parameter.grad is not None
    }
    expected = {'backbone', 'encoder'}
    assert taught == (expected | {'auxiliary_head'} if 'aux' in loss else expected)


def test_the_backbone_runs_once_and_keeps_no_hook(images):
    runs = []
    handle = images.detector.backbone.conv1.register_forward_hook(
        lambda *args: runs.append(args)
    )
    images.train().loss(**image_batch(images))
    handle.remove()
    assert len(runs) == 1 and not images.detector.backbone._forward_hooks


def test_testing_is_the_detectors_alone(images, clips, monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError('this part must not run')

    for model in (images, clips):
        for part in (model.encoder, model.auxiliary_head, model.kl_loss):
            monkeypatch.setattr(part, 'forward', forbidden)
        model.eval()
    video = toy_video(3)
    samples = clips.test_step(test_data(video, range(3)))[0].video_data_samples
    assert all(len(one.pred_track_instances) for one in samples)

    data = dict(inputs=[video.frames[0]], data_samples=[video.sample(0)])
    found = images.test_step(data)[0].pred_instances
    # a plain detector with the weights that the checkpoint has under 'detector.'
    plain = MODELS.build(tiny_config().detector).eval()
    plain.load_state_dict(
        {
            name.removeprefix('detector.'): value
            for name, value in images.state_dict().items()
            if name.startswith('detector.')
        }
    )
    data = dict(inputs=[video.frames[0]], data_samples=[video.sample(0)])
    data = images.data_preprocessor(data, False)
    with torch.no_grad():
        expected = plain(**data, mode='predict')[0].pred_instances
    assert len(found) and torch.equal(found.bboxes, expected.bboxes)
    assert torch.equal(found.masks, expected.masks)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match='GPKLLoss has no backbone'):
        supervised(dict(type='mmvist.GPKLLoss'))
    detector = tiny_config().detector
    preprocessor = dict(
        tiny_config().data_preprocessor, type='mmdet.DetDataPreprocessor'
    )
    detector.backbone.out_indices = (0, 1, 2)
    detector.neck.update(in_channels=[8, 16, 32])
    model = supervised(
        dict(detector, data_preprocessor=preprocessor),
        encoder=dict(type='mmvist.FeatureEncoder', in_channels=32, latent_channels=4),
    )
    with pytest.raises(ValueError, match=r'takes one of stride 32, \(2, 3\)'):
        model.train().loss(**image_batch(model))


def test_a_loss_of_the_same_name_is_refused(images, monkeypatch):
    real = images.detector.loss
    monkeypatch.setattr(
        images.detector, 'loss', lambda *args: real(*args) | dict(loss_aux=0.0)
    )
    with pytest.raises(ValueError, match="same name: {'loss_aux'}"):
        images.train().loss(**image_batch(images))


def test_in_testing_it_is_the_video_model_that_it_holds(clips):
    data = clips.data_preprocessor(test_data(toy_video(), range(3)), False)
    clips.eval()
    found = clips.predict(data['inputs'], data['data_samples'])
    assert len(found[0]) == 3 and 'instances_id' in found[0][0].pred_track_instances
    assert clips.tracker is clips.detector.tracker


def test_an_image_detector_has_no_tracker(images):
    assert images.tracker is None
