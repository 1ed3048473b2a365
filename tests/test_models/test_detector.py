"""Ours are the host's own losses and boxes, from features made before."""

import copy

import pytest
import torch
from tiny_vist import tiny_config, toy_video

from mmvist.models.detector import detect, detector_loss
from mmvist.registry import MODELS


@pytest.fixture(scope='module')
def detector():
    return MODELS.build(tiny_config().detector)


def batch():
    video = toy_video(2, size=(64, 96))
    samples = [
        video.sample(t, batch_input_shape=(64, 96), pad_shape=(64, 96)) for t in (0, 1)
    ]
    return video.frames.float() / 255, samples


def total(value):
    return sum(value) if isinstance(value, list) else value


def test_losses_are_those_of_the_host(detector):
    detector.train()
    images, samples = batch()
    torch.manual_seed(1)
    expected = detector.loss(images, copy.deepcopy(samples))
    torch.manual_seed(1)
    losses, proposals = detector_loss(detector, detector.extract_feat(images), samples)
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(total(losses[name]), total(value), msg=name)
    assert len(proposals) == 2 and len(proposals[0]) > 0
    assert not proposals[0].bboxes.requires_grad
    assert samples[1].gt_instances.labels.tolist() == [0, 1], 'the truth is left alone'


def test_boxes_are_those_of_the_host(detector):
    detector.eval()
    images, samples = batch()
    with torch.no_grad():
        expected = detector.predict(images, copy.deepcopy(samples), rescale=False)
    features = detector.extract_feat(images)
    found = detect(detector, features, [sample.metainfo for sample in samples])
    for ours, theirs in zip(found, expected, strict=True):
        theirs = theirs.pred_instances
        assert len(ours) > 0 and torch.equal(ours.bboxes, theirs.bboxes)
        assert torch.equal(ours.scores, theirs.scores)
        assert torch.equal(ours.labels, theirs.labels)
        assert 'masks' not in ours and not ours.bboxes.requires_grad


def test_a_threshold_of_the_call_leaves_the_config(detector):
    detector.eval()
    images, samples = batch()
    features = detector.extract_feat(images)
    metainfo = [sample.metainfo for sample in samples]
    assert len(detect(detector, features, metainfo, score_thr=0.99)[0]) == 0
    assert detector.roi_head.test_cfg.score_thr == 0.05
    assert len(detect(detector, features, metainfo)[0]) > 0
