"""Ours are the host's own losses and boxes, from features made before."""

import copy

import pytest
import torch
from mmdet.structures.mask import BitmapMasks
from tiny_vist import (
    SHOWS_ALL,
    test_data,
    tiny_config,
    tiny_rtmdet_config,
    toy_video,
    train_clip,
)

from mmvist.models import frame_detector
from mmvist.registry import MODELS

CONFIGS = {'two-stage': tiny_config, 'single-stage': tiny_rtmdet_config}


@pytest.fixture(scope='module', params=CONFIGS)
def detector(request):
    torch.manual_seed(0)
    return with_boxes(MODELS.build(CONFIGS[request.param]().detector))


def with_boxes(detector):
    """Half of what an untrained RTMDet says are boxes of no width."""
    for layer in getattr(getattr(detector, 'bbox_head', None), 'rtm_reg', ()):
        torch.nn.init.ones_(layer.bias)
    return detector


@pytest.fixture(scope='module')
def rtmdet():
    """VAE-VIST beside a single-stage detector, which shows what it finds."""
    torch.manual_seed(0)
    model = MODELS.build(tiny_rtmdet_config(tracker=SHOWS_ALL))
    with_boxes(model.detector)
    return model


def batch():
    video = toy_video(2, size=(64, 96))
    samples = [
        video.sample(t, batch_input_shape=(64, 96), pad_shape=(64, 96)) for t in (0, 1)
    ]
    return video.frames.float() / 255, samples


def metainfo_of(samples):
    return [sample.metainfo for sample in samples]


def total(value):
    return sum(value) if isinstance(value, list) else value


def test_losses_are_those_of_the_host(detector):
    detector.train()
    images, samples = batch()
    torch.manual_seed(1)
    expected = detector.loss(images, copy.deepcopy(samples))
    torch.manual_seed(1)
    losses, proposals = frame_detector(detector).loss(
        detector.extract_feat(images), samples
    )
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(total(losses[name]), total(value), msg=name)
    assert len(proposals) == 2 and len(proposals[0]) > 0
    assert not proposals[0].bboxes.requires_grad
    truth = samples[1].gt_instances
    assert truth.labels.tolist() == [0, 1], 'the truth is left alone'
    assert isinstance(truth.masks, BitmapMasks), 'the truth is left alone'


def test_boxes_are_those_of_the_host(detector):
    detector.eval()
    images, samples = batch()
    with torch.no_grad():
        expected = detector.predict(images, copy.deepcopy(samples), rescale=False)
    features = detector.extract_feat(images)
    found = frame_detector(detector).detect(features, metainfo_of(samples))
    for ours, theirs in zip(found, expected, strict=True):
        theirs = theirs.pred_instances
        assert len(ours) > 0 and torch.equal(ours.bboxes, theirs.bboxes)
        assert torch.equal(ours.scores, theirs.scores)
        assert torch.equal(ours.labels, theirs.labels)
        assert 'masks' not in ours and not ours.bboxes.requires_grad


def test_boxes_of_a_training_step_are_those_of_testing(detector):
    """From the proposals of the loss; the RPN has as many in both here."""
    detector.eval()
    images, samples = batch()
    features = detector.extract_feat(images)
    frames = frame_detector(detector)
    _, proposals = frames.loss(features, samples)
    for score_thr in (0.3, None):
        rest = (metainfo_of(samples), None, score_thr)
        fresh = frames.detect(features, *rest)
        given = frames.detect(features, rest[0], proposals, score_thr)
        for one, other in zip(fresh, given, strict=True):
            assert torch.equal(one.bboxes, other.bboxes)
            assert torch.equal(one.scores, other.scores)


def test_a_threshold_of_the_call_leaves_the_config(detector):
    detector.eval()
    images, samples = batch()
    features = detector.extract_feat(images)
    frames = frame_detector(detector)
    head = getattr(detector, 'roi_head', None) or detector.bbox_head
    before = head.test_cfg.score_thr
    assert len(frames.detect(features, metainfo_of(samples), score_thr=0.99)[0]) == 0
    assert head.test_cfg.score_thr == before
    assert len(frames.detect(features, metainfo_of(samples))[0]) > 0


def test_what_is_said_of_a_detector(detector):
    frames = frame_detector(detector)
    two_stage = hasattr(detector, 'roi_head')
    assert frames.strides == ((4, 8, 16, 32, 64) if two_stage else (8, 16, 32))
    assert frames.class_counts == ([2, 2] if two_stage else [2])
    assert (frames.roi_head is not None) == two_stage


# -------------------------------------------------- VAE-VIST beside a single stage


def test_what_cannot_go_together_is_said_at_once():
    with pytest.raises(ValueError, match='from RoI heads with masks, and RTMDet has'):
        MODELS.build(tiny_rtmdet_config(with_augment=False))
    config = tiny_rtmdet_config()
    del config.augment_head['mask_strides']
    with pytest.raises(
        ValueError, match=r'mask_strides is .*: set it to \(8, 16, 32\)'
    ):
        MODELS.build(config)
    config.augment_head.mask_strides = (16, 8)
    with pytest.raises(ValueError, match='some of'):
        MODELS.build(config)
    with pytest.raises(ValueError, match='Identity is neither a two-stage nor'):
        frame_detector(torch.nn.Identity())


def test_a_missing_scale_is_the_encoders_alone(rtmdet):
    """x^Aug_4 is E_4; without skips nothing but z goes into that stride."""
    head = rtmdet.augment_head
    widths = [layer[0].in_channels for layer in head.decoder.fuse]
    assert widths == [16 + 8, 16 + 16 + 16, 16 + 16 + 16, 16 + 16 + 16]
    config = dict(tiny_rtmdet_config().augment_head, with_skip=False)
    bare = MODELS.build(config)
    widths = [layer[0].in_channels for layer in bare.decoder.fuse]
    assert widths == [16, 16 + 16, 16 + 16, 16 + 16]
    sizes = [(15, 23), (8, 12), (4, 6), (2, 3)]  # 59 x 91, rounded up
    skips = [torch.rand(1, c, *one) for c, one in zip((8, 16, 16, 16), sizes)]
    features = [torch.rand(1, 16, *one) for one in sizes[1:]]
    for one in (head, bare):
        maps = one(torch.rand(1, 4, 2, 3), skips, features)
        assert [tuple(each.shape[-2:]) for each in maps] == sizes


def test_every_weight_is_trained_and_no_gradient_goes_through_boxes(rtmdet):
    rtmdet.train()
    losses = rtmdet.clip_loss(train_clip(rtmdet))
    assert {'loss_cls', 'loss_bbox', 'loss_mask', 'loss_aug_mask'} <= losses.keys()
    augmented = sum(value for key, value in losses.items() if 'loss_aug' in key)
    head = list(rtmdet.detector.bbox_head.parameters())
    found = torch.autograd.grad(augmented, head, retain_graph=True, allow_unused=True)
    assert all(one is None for one in found), 'the augment branch reaches its heads'
    rtmdet.zero_grad()
    rtmdet.parse_losses(losses)[0].backward()
    assert not [name for name, p in rtmdet.named_parameters() if p.grad is None]


def test_frames_without_truth_train(rtmdet):
    clip = train_clip(rtmdet.train(), (1, 2))
    for sample in clip.data_samples:
        gone = torch.zeros(len(sample.gt_instances), dtype=torch.bool)
        sample.gt_instances = sample.gt_instances[gone]
    total_loss, _ = rtmdet.parse_losses(rtmdet.clip_loss(clip))
    total_loss.backward()
    assert torch.isfinite(total_loss)


def test_a_video_is_tracked(rtmdet, monkeypatch):
    """As of any detector: disjoint masks, an identity once; and no mask of its own."""
    rtmdet.eval()
    head, sizes = rtmdet.detector.bbox_head, []
    dynamic = head._mask_predict_by_feat_single
    monkeypatch.setattr(
        head,
        '_mask_predict_by_feat_single',
        lambda feature, *rest: sizes.append(feature.shape) or dynamic(feature, *rest),
    )
    out = rtmdet.test_step(test_data(toy_video(), range(3)))
    found = [one.pred_track_instances for one in out[0].video_data_samples]
    for one in found:
        assert len(one) and one.masks.sum(0).max() <= 1
        assert len(one.instances_id.unique()) == len(one)
    first, second = (set(one.instances_id.tolist()) for one in found[:2])
    assert first & second, 'no identity lives on'
    assert sizes and all(tuple(size[-2:]) == (1, 1) for size in sizes)
