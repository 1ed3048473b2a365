"""Several z of a frame: means and variances, and what they share."""

from __future__ import annotations

import pytest
import torch
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from tiny_vist import (
    FAST,
    SIZE,
    frame_of,
    lively_model,
    test_data,
    tiny_model,
    toy_video,
)

from mmvist.apis.inference import FrameResult
from mmvist.apis.result_lines import record_of
from mmvist.models import VAEVIST
from mmvist.models.encoding import Encoding
from mmvist.models.layers import SkipDecoder
from mmvist.models.roi_reach import Reach, reach_of
from mmvist.models.segmentation import segment

SIZES = [(31, 47), (16, 24), (8, 12), (4, 6)]


def drawing_model(num_samples: int = 3, log_var: float = 0.0, **changes) -> VAEVIST:
    """Untrained, shows what it finds, and has a z that matters."""
    torch.manual_seed(5)
    model = lively_model(num_samples=num_samples, **changes)
    model.detector.roi_head.test_cfg.max_per_img = 4
    torch.nn.init.constant_(model.encoder.log_var_head.bias, log_var)
    torch.nn.init.normal_(model.proposal_head.fc_reg.weight, std=0.1)
    return model


def track(model: VAEVIST, length: int = 4) -> list[InstanceData]:
    data = test_data(toy_video(), range(length))
    return [one.pred_track_instances for one in model.test_step(data)[0]]


def test_fields_and_shapes() -> None:
    found = track(drawing_model())
    assert sum(len(one) for one in found) > 4
    for one in found:
        count = len(one)
        assert one.mask_probs.shape == one.mask_variances.shape == (count, *SIZE)
        assert one.mask_probs.dtype == one.mask_variances.dtype == torch.half
        assert one.box_variances.shape == (count, 4)
        # no box was propagated to a new instance, and one to every other
        assert torch.equal(one.box_variances.isnan().all(dim=1), one.kinds == 2)
        assert torch.equal(one.box_variances.isnan().any(dim=1), one.kinds == 2)
        # a variance of numbers in [0, 1]
        assert one.mask_variances.max() <= 0.5 and one.mask_variances.min() >= 0
        threshold = 0.5
        assert (one.mask_probs[one.masks] >= threshold - 1e-3).all()
        assert (one.masks.sum(dim=0) <= 1).all()
    known = torch.cat([one.box_variances[one.kinds != 2] for one in found])
    assert len(known) and (known > 0).any()


def test_one_sample_is_the_mean_and_tells_no_variance() -> None:
    model = drawing_model(num_samples=1)
    found = track(model)
    assert 'mask_variances' not in found[0] and 'box_variances' not in found[0]
    plain = drawing_model(num_samples=1)
    plain.latents = lambda encoding, frame: encoding.mean
    for one, other in zip(found, track(plain), strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one.keys())


def test_no_spread_without_sigma() -> None:
    """All draws are the mean then, and so is what comes of them."""
    found = track(drawing_model(log_var=-1e3), 3)
    mean = track(drawing_model(num_samples=1), 3)
    for one, other in zip(found, mean, strict=True):
        known = one.kinds != 2
        # exp(-10 / 2), where log sigma^2 is clamped
        assert (one.box_variances[known] < 1e-2).all()
        assert (one.mask_variances < 1e-4).all()
        assert one.instances_id.tolist() == other.instances_id.tolist()
    model = drawing_model()
    model.latents = lambda encoding, frame: encoding.mean.expand(3, -1, -1, -1)
    for one, other in zip(track(model, 3), mean, strict=True):
        assert torch.allclose(one.bboxes, other.bboxes, atol=1e-3)
        assert torch.allclose(one.scores, other.scores, atol=1e-5)
        assert (one.mask_variances == 0).all()
        assert (one.box_variances[one.kinds != 2] < 1e-8).all()
        assert (one.masks != other.masks).float().mean() < 1e-3


def test_the_same_input_gives_the_same_output() -> None:
    model = drawing_model()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = track(model)
    assert torch.equal(before, torch.get_rng_state()), 'the generator is left alone'
    torch.manual_seed(2)
    for one, other in zip(first, track(model), strict=True):
        for key in one.keys():
            assert torch.equal(one[key].nan_to_num(), other[key].nan_to_num()), key


def encode(model: VAEVIST) -> tuple[Encoding, torch.Tensor]:
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    return model.encoder(image, image, torch.zeros(1, 1, 64, 96)), image


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
@torch.no_grad()
def test_draws_are_those_of_separate_passes(changes) -> None:
    model = drawing_model(**changes)
    encoding, image = encode(model)
    z = encoding.draw(3, seed=7)
    assert z.shape == (3, *encoding.mean.shape[1:]) and z.std(dim=0).min() > 0
    features = model.detector.extract_feat(image)
    boxes = torch.tensor([[5.0, 5, 40, 30], [50, 20, 80, 60]])
    labels = torch.tensor([0, 1])
    shared = model.proposal_head(z, encoding.skips, [boxes] * 3)
    reach = model.augment_head.reach_of(boxes, encoding.skips).rounded((16, 24))
    maps = model.augment_head(z, encoding.skips, features, reach, image)
    meta = frame_of(image, img_shape=SIZE, scale=0.5).metainfo
    roi_head = model.augment_head.roi_head
    found = segment([(roi_head, maps)], boxes, labels, meta)
    deltas, probs = [], []
    for one in z[:, None]:
        deltas.append(model.proposal_head(one, encoding.skips, [boxes]))
        whole = model.augment_head(one, encoding.skips, features, frame=image)
        # one pass alone: what it is sure of, pasted by the same code
        alone = segment([(roi_head, whole)], boxes, labels, meta)
        host = roi_head.predict_mask(
            whole, [meta], [InstanceData(bboxes=boxes.clone(), labels=labels)], True
        )[0]
        assert torch.equal(alone.masks.dense(), host.masks)
        assert torch.allclose(alone.boxes, host.bboxes)
        probs.append(alone.probs.dense().float())
    assert torch.allclose(shared, torch.cat(deltas), atol=1e-4)
    assert found.boxes.tolist() == (boxes * 2).tolist(), 'original pixels'
    assert torch.allclose(found.probs.dense().float(), sum(probs) / 3, atol=2e-3)
    variance = torch.stack(probs).var(dim=0)
    assert variance.max() > 0
    assert torch.allclose(found.variances.dense().float(), variance, atol=1e-3)


@pytest.mark.parametrize(
    'window',
    [(0, 0, 31, 47), (5, 7, 20, 30), (28, 0, 31, 3), (10, 40, 11, 47), (0, 20, 8, 47)],
)
@pytest.mark.parametrize(('kernel', 'out'), [(1, None), (3, 6)])
@torch.no_grad()
def test_what_is_read_is_as_if_all_were_decoded(window, kernel, out) -> None:
    torch.manual_seed(0)
    decoder = SkipDecoder(4, (3, 5, 0, 5), (8, 8, 8, 8), out, kernel)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    z = torch.randn(2, 4, 4, 6)
    skips = [[torch.randn(1, c, *s)] if c else [] for c, s in zip((3, 5, 0, 5), SIZES)]
    apart = [[one.expand(2, -1, -1, -1) for one in skip] for skip in skips]
    whole = decoder(z, apart, SIZES)
    found = decoder(z, skips, SIZES, Reach(window, frozenset({0, 2})))
    top, left, bottom, right = window
    assert found[0].shape == (2, out or 8, bottom, right)
    assert [one.shape for one in found[1:]] == [one.shape for one in whole[1:]]
    place = (..., slice(top, bottom), slice(left, right))
    assert torch.allclose(found[0][place], whole[0][place], atol=1e-5)
    assert found[0].count_nonzero() == found[0][place].count_nonzero()
    assert torch.allclose(found[2], whole[2], atol=1e-5)
    assert not found[1].any() and not found[3].any()


def test_reach() -> None:
    boxes = torch.tensor([[16.0, 9, 40, 31], [20, 20, 61, 40]])
    reach = reach_of(boxes, (16, 24), frozenset({0}))
    assert reach.window == (1, 3, 11, 17)
    assert reach.rounded((16, 24)).window == (0, 0, 12, 20)
    assert reach.rounded((16, 24)).covers(reach)
    assert not reach.covers(reach.rounded((16, 24)))
    assert not reach.covers(Reach(reach.window, frozenset({0, 1})))
    # beside the frame and empty: one cell at least
    outside = reach_of(torch.tensor([[500.0, 500, 600, 600]]), (16, 24), frozenset())
    assert outside.window == (15, 23, 16, 24)
    assert reach_of(torch.zeros(0, 4), (16, 24), frozenset()).window == (0, 0, 1, 1)


def test_levels_are_those_of_rois_in_half_precision() -> None:
    """There the area of a box overflows, and RoIAlign reads the coarsest map."""
    head = tiny_model().augment_head
    boxes = torch.tensor([[0.0, 0, 256, 256]])
    skips = [torch.zeros(1, 8, 64, 64)]
    assert head.reach_of(boxes, skips).levels == {2}
    assert head.reach_of(boxes, [skips[0].half()]).levels == {3}
    extractor = head.roi_head.bbox_roi_extractor
    assert extractor.map_roi_levels(bbox2roi([boxes]).half(), 4).tolist() == [3]


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match='num_samples is at least 1'):
        tiny_model(num_samples=0)
    with pytest.raises(ValueError, match='nothing to draw from'):
        tiny_model(num_samples=2, variational=False)
    encoding, _ = encode(tiny_model(variational=False).eval())
    with pytest.raises(ValueError, match='posterior of one frame'):
        encoding.draw(2, 0)


def test_without_the_augment_branch_masks_do_not_vary() -> None:
    found = track(drawing_model(with_augment=False), 3)
    assert sum(len(one) for one in found)
    assert all(not one.mask_variances.any() for one in found)


def test_a_line_of_json_has_the_variances() -> None:
    found, kinds = track(drawing_model(), 2), set()
    for one in found:
        kinds.update(one.kinds.tolist())
        result = FrameResult(0, one.masks.new_zeros(*SIZE, 3).numpy(), one, ())
        for row, record in enumerate(record_of(result)['instances']):
            inside = one.mask_variances[row][one.masks[row]].float().mean()
            assert record['mask_variance'] == pytest.approx(float(inside), rel=1e-3)
            if one.kinds[row] == 2:
                assert record['box_variance'] is None
            else:
                told = torch.tensor(record['box_variance'])
                assert torch.allclose(told, one.box_variances[row])
    assert 2 in kinds and len(kinds) > 1


@torch.no_grad()
def test_masks_in_half_precision_are_of_the_boxes_as_they_are(monkeypatch) -> None:
    """In half precision a place of 1100.5 is one of 1100 or 1101."""
    model = drawing_model(num_samples=1, **FAST)
    extractor = model.augment_head.roi_head.mask_roi_extractor
    asked = []

    def colours(maps, rois, scale):
        asked.append(rois)
        return torch.zeros(len(rois), 3, 28, 28)

    monkeypatch.setattr(extractor.colours, 'forward', colours)
    boxes = torch.tensor([[1100.5, 3.25, 1130.5, 40.75]])
    maps = [torch.rand(1, 16, 128 // s, 1280 // s).half() for s in (4, 8, 16, 32)]
    monkeypatch.setattr(
        extractor.extractor, 'forward', lambda *args: torch.zeros(1, 16, 14, 14)
    )
    frame = torch.rand(1, 3, 128, 1280)
    meta = dict(ori_shape=(128, 1280), scale_factor=(1.0, 1.0))
    outs = (*maps, *maps, frame)
    segment([(model.augment_head.roi_head, outs)], boxes, torch.tensor([0]), meta)
    assert torch.equal(asked[0][:, 1:], boxes)


def ran(decoder: SkipDecoder) -> list[int]:
    """Gets the level of each subpixel convolution of a decoder that runs."""
    levels: list[int] = []
    for level, one in enumerate(decoder.up):
        one.register_forward_hook(lambda *args, level=level: levels.append(level))
    return levels


@pytest.mark.parametrize(
    ('read', 'expected'), [({0, 2}, [2, 1, 0]), ({2}, [2]), ({3}, []), (set(), [])]
)
@torch.no_grad()
def test_no_map_is_decoded_that_is_finer_than_all_that_is_read(read, expected) -> None:
    decoder = SkipDecoder(4, (0,) * 4, (8, 8, 8, 8), 6)
    levels, z = ran(decoder), torch.randn(2, 4, 4, 6)
    whole = decoder(z, [[]] * 4, SIZES)
    levels.clear()
    found = decoder(z, [[]] * 4, SIZES, Reach((0, 0, 31, 47), frozenset(read)))
    assert levels == expected
    for level, (one, other) in enumerate(zip(found, whole, strict=True)):
        assert one.shape == other.shape
        same = torch.allclose(one, other, atol=1e-5)
        assert same if level in read else not one.any()


@pytest.mark.parametrize('num_samples', [1, 3])
def test_a_frame_without_candidates_decodes_nothing(num_samples) -> None:
    model = drawing_model(num_samples)
    levels = ran(model.augment_head.decoder)
    frame = frame_of(torch.randn(1, 3, *SIZE), 0, img_shape=SIZE)
    model.step(frame, None)
    assert 0 in levels
    decoded = len(levels)
    # no candidate survives: nothing is decoded for masks of none
    model.tracker.birth_score_thr = model.tracker.augment_birth_score_thr = 2.0
    levels.clear()
    found, _ = model.step(frame, None)
    assert len(found) == 0 and 0 < len(levels) <= decoded
    levels.clear()
    model.detector.roi_head.test_cfg.score_thr = 2.0
    found, _ = model.step(frame, None)
    assert len(found) == 0 and not levels


def test_a_frame_that_is_passed_over_has_the_same_fields() -> None:
    model = drawing_model()
    frame = frame_of(torch.randn(1, 3, *SIZE), 0, img_shape=SIZE)
    seen, _ = model.step(frame, None)
    passed, _ = model.pass_over(frame, None)
    assert len(seen) and len(passed) == 0
    assert set(passed.keys()) == set(seen.keys())
    for key in seen.keys():
        assert passed[key].shape == (0, *seen[key].shape[1:]), key
        assert passed[key].dtype == seen[key].dtype, key
