import pytest
import torch
from mmengine.config import Config
from tiny_vist import (
    CONFIGS,
    SHOWS_ALL,
    test_data,
    tiny_config,
    tiny_rtmdet_config,
    toy_video,
    train_data,
)

from mmvist.models import frame_detector
from mmvist.registry import MODELS

CONFIG = CONFIGS / 'baselines/mask-rcnn-iou_r18-half_fpn_synthetic.py'


@pytest.fixture
def model():
    config = Config.fromfile(CONFIG).model
    config.detector = tiny_config().detector
    config.tracker.update(
        match_score_thr=0, birth_score_thr=0, keep_score_thr=0, match_iou_thr=0.3
    )
    return MODELS.build(config).eval()


def instances_of(model, frames, **meta):
    out = model.test_step(test_data(toy_video(), list(frames), **meta))
    return [one.pred_track_instances for one in out[0].video_data_samples]


def test_losses_are_the_detectors_on_the_middle_frame(model):
    model.train()
    data = model.data_preprocessor(train_data(toy_video(), (1, 3)), True)
    torch.manual_seed(0)
    losses = model.loss(**data)
    torch.manual_seed(0)
    samples = [sample[1] for sample in data['data_samples']]
    features = model.detector.extract_feat(data['inputs'][:, 1])
    expected, _ = frame_detector(model.detector).loss(features, samples)
    assert losses.keys() == expected.keys()
    torch.testing.assert_close(
        model.parse_losses(losses)[0], model.parse_losses(expected)[0]
    )


def test_prediction_contract_and_pieces_equal_the_whole(model):
    whole = instances_of(model, range(5))
    pieces = [one for t in range(5) for one in instances_of(model, [t])]
    for first, second in zip(whole, pieces, strict=True):
        assert len(first) and torch.equal(first.instances_id, second.instances_id)
        assert torch.equal(first.masks, second.masks)
        assert first.masks.shape == (len(first), 60, 90)
        assert first.masks.dtype == torch.bool and first.masks.sum(0).max() <= 1
        assert first.masks.flatten(1).any(1).all()
        assert len(first.instances_id.unique()) == len(first)
    seen = [set(one.instances_id.tolist()) for one in whole]
    assert seen[0] & seen[1], 'linked'


def test_a_single_stage_detector_serves_too():
    config = Config.fromfile(CONFIG).model
    config.detector = tiny_rtmdet_config().detector
    config.tracker.update(SHOWS_ALL)
    torch.manual_seed(0)
    model = MODELS.build(config).train()
    for layer in model.detector.bbox_head.rtm_reg:
        torch.nn.init.ones_(layer.bias)  # else boxes have no width
    data = model.data_preprocessor(train_data(toy_video(), (1, 3)), True)
    assert {'loss_cls', 'loss_bbox', 'loss_mask'} == model.loss(**data).keys()
    found = instances_of(model.eval(), range(2))
    assert all(len(one) for one in found)
    assert all(one.masks.sum(0).max() <= 1 for one in found)


def test_another_video_starts_from_1(model):
    instances_of(model, range(2))
    other = instances_of(model, range(1), video_id=7)
    assert other[0].instances_id.min() == 1


def test_an_identity_is_not_reused_after_a_gap(model):
    before = torch.cat([one.instances_id for one in instances_of(model, [0, 1])])
    after = torch.cat([one.instances_id for one in instances_of(model, [4, 5])])
    assert not set(before.tolist()) & set(after.tolist())


def test_one_video_at_a_time(model):
    data = test_data(toy_video(), [0])
    with pytest.raises(ValueError, match='one video at a time'):
        model.predict(torch.zeros(2, 1, 3, 64, 96), data['data_samples'] * 2)
