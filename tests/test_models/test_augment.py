import copy

import pytest
import torch
from tiny_vist import tiny_config

from mmvist.models import AugmentHead, ShortcutRoIExtractor
from mmvist.models.augment import Refined, refine
from mmvist.models.segmentation import segment
from mmvist.registry import MODELS
from mmvist.structures.clip import Frame

SKIPS = (8, 16, 16, 16)


def build(**changes) -> AugmentHead:
    return MODELS.build(dict(tiny_config().augment_head, **changes))


def maps(size=(64, 96), batch=1):
    sizes = [(-(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32, 64)]
    skips = [torch.rand(batch, c, *one) for c, one in zip(SKIPS, sizes)]
    features = [torch.rand(batch, 16, *one) for one in sizes]
    return torch.rand(batch, 4, *sizes[3]), skips, features


@pytest.mark.parametrize('with_skip', [True, False])
@pytest.mark.parametrize('size', [(64, 96), (33, 47), (95, 31)])
def test_shapes(size, with_skip):
    z, skips, features = maps(size, batch=2)
    outs = build(with_skip=with_skip)(z, skips, features)
    expected = [(2, 16, *feature.shape[-2:]) for feature in features[:4]]
    assert [tuple(out.shape) for out in outs] == expected


def test_skips_of_a_neck_that_rounds_otherwise_are_resized():
    z, skips, _ = maps((64, 96))
    features = [torch.rand(1, 16, *one) for one in [(15, 23), (8, 12), (4, 6), (2, 3)]]
    assert build()(z, skips, features)[0].shape[-2:] == (15, 23)


def test_draws_with_a_neck_that_rounds_otherwise():
    z, skips, _ = maps((64, 96))
    features = [torch.rand(1, 16, *one) for one in [(15, 23), (8, 12), (4, 6), (2, 3)]]
    head = build()
    reach = head.reach_of(torch.tensor([[10.0, 10, 96, 64]]), skips)
    assert reach.window[2:] == (16, 24)
    found = head(torch.cat([z, z + 1]), skips, features, reach)
    assert found[0].shape == (2, 16, 15, 23)


def test_without_skip_only_the_detector_is_read():
    """x^Aug_s is x^Mask_s then."""
    z, skips, features = maps()
    head = build(with_skip=False)
    others = [skip + 1 for skip in skips]
    first, second = head(z, skips, features), head(z, others, features)
    assert all(torch.equal(a, b) for a, b in zip(first, second))
    other = head(z, skips, [feature + 1 for feature in features])
    assert not torch.equal(first[0], other[0])


def test_a_shortcut_hands_the_maps_of_the_detector_on():
    z, skips, features = maps(batch=2)
    head = build(with_shortcut=True, widths=(8, 8, 8, 8))
    inner = dict(memory_format=torch.channels_last)
    outs = head(z, skips, [feature.contiguous(**inner) for feature in features])
    assert [out.shape[1] for out in outs] == [8] * 4 + [16] * 4
    assert all(torch.equal(*pair) for pair in zip(outs[4:], features[:4]))
    for extractor in (
        head.roi_head.bbox_roi_extractor,
        head.roi_head.mask_roi_extractor,
    ):
        assert isinstance(extractor, ShortcutRoIExtractor)
        assert extractor.num_inputs == len(outs)
    rois = torch.tensor([[3.0, 4, 30, 40], [10, 10, 96, 64]])
    refined = refine(head.roi_head, head(*maps()), rois, (60, 90))
    assert refined.boxes.shape == (2, 2, 4)


@torch.no_grad()
def test_a_shortcut_of_draws_as_far_as_rois_reach():
    torch.manual_seed(0)
    z, skips, features = maps()
    head = build(with_shortcut=True, widths=(8, 8, 8, 8))
    draws, rois = torch.cat([z, z + 1]), torch.tensor([[22.0, 14, 76, 45]])
    outs = head(draws, skips, features, head.reach_of(rois, skips))
    found = refine(head.roi_head, outs, rois, (60, 90)).boxes
    apart = [
        refine(head.roi_head, head(one[None], skips, features), rois, (60, 90)).boxes
        for one in draws
    ]
    assert not torch.allclose(*apart, atol=1e-3)
    assert torch.allclose(found, sum(apart) / 2, atol=1e-3)


def test_a_shortcut_that_cannot_be():
    with pytest.raises(ValueError, match=r'mask_channels, 16, and out_channels, 32'):
        build(with_shortcut=True, out_channels=32)
    with pytest.raises(ValueError, match=r'widths that are alike, got \[8, 8, 8, 16\]'):
        build(with_shortcut=True, widths=(8, 8, 8, 16))
    with pytest.raises(ValueError, match=r'maps of the strides \(4, 8, 16, 32\)'):
        build(with_shortcut=True, mask_strides=(8, 16, 32))
    wrong = dict(
        type='GenericRoIExtractor', featmap_strides=[4, 8, 16], out_channels=32
    )
    for name, value in wrong.items():
        roi_head = tiny_config().augment_head.roi_head
        roi_head.bbox_roi_extractor[name] = value
        before = copy.deepcopy(roi_head)
        with pytest.raises(ValueError, match=r'a shortcut needs .* bbox_roi_extractor'):
            build(with_shortcut=True, roi_head=roi_head)
        assert roi_head == before


@pytest.mark.parametrize('shortcut', [False, True], ids=['plain', 'shortcut'])
@torch.no_grad()
def test_detail_changes_masks_alone(shortcut):
    torch.manual_seed(0)
    widths = (8, 8, 8, 8) if shortcut else (16, 16, 16, 16)
    head = build(with_detail=True, with_shortcut=shortcut, widths=widths)
    torch.nn.init.normal_(head.roi_head.mask_roi_extractor.down[-1].weight)
    given = maps()
    frame = torch.rand(1, 3, 64, 96).contiguous(memory_format=torch.channels_last)
    outs, others = head(*given, frame=frame), head(*given, frame=1 - frame)
    assert len(outs) == head.roi_head.mask_roi_extractor.num_inputs
    assert torch.equal(outs[-1], frame)
    rois = torch.tensor([[3.0, 4, 30, 40], [10, 10, 96, 64]])
    boxes = [refine(head.roi_head, one, rois, (60, 90)).boxes for one in (outs, others)]
    assert torch.equal(*boxes)
    meta = dict(ori_shape=(60, 90), scale_factor=(1.0, 1.0))
    labels = torch.tensor([0, 1])
    probs = [
        segment([(head.roi_head, one)], rois, labels, meta).probs.dense()
        for one in (outs, others)
    ]
    assert not torch.allclose(*probs, atol=1e-2)


def test_detail_needs_the_frame():
    with pytest.raises(ValueError, match='with_detail=True needs the frame'):
        build(with_detail=True)(*maps())


def test_refine_keeps_rows_and_gives_a_box_for_each_class():
    head = build()
    features = head(*maps())
    rois = torch.tensor([[3.0, 4, 30, 40], [3, 4, 30, 40], [10, 10, 96, 64]])
    refined = refine(head.roi_head, features, rois, (60, 90))
    assert refined.probs.shape == (3, 2) and refined.boxes.shape == (3, 2, 4)
    assert torch.equal(refined.probs[0], refined.probs[1])
    assert refined.probs.sum(1).max().item() < 1  # the rest is background
    assert refined.boxes[..., 2].max().item() <= 90
    assert refined.boxes[..., 3].max().item() <= 60
    assert refine(head.roi_head, features, rois[:0], (60, 90)).boxes.shape == (0, 2, 4)


def test_refine_by_a_class_agnostic_head():
    config = tiny_config().augment_head
    config.roi_head.bbox_head.reg_class_agnostic = True
    head = MODELS.build(config)
    rois = torch.tensor([[3.0, 4, 30, 40]])
    boxes = refine(head.roi_head, head(*maps()), rois, (60, 90)).boxes
    assert boxes.shape == (1, 2, 4) and torch.equal(boxes[:, 0], boxes[:, 1])


def test_refined_of_labels():
    boxes = torch.arange(16.0).view(2, 2, 4)
    refined = Refined(torch.rand(2, 2), boxes)
    assert refined.of_labels(torch.tensor([1, 0])).tolist() == [
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


@pytest.mark.parametrize('count', [0, 2])
def test_segment_gives_original_pixels_and_leaves_its_input(count):
    head = build()
    features = head(*maps())
    boxes = torch.tensor([[10.0, 10, 60, 50], [0, 0, 20, 20]])[:count]
    before = boxes.clone()
    frame = Frame(torch.zeros(1, 3, 64, 96), 1, 0, (120, 180), (60, 90), (0.5, 0.5))
    labels = torch.tensor([0, 1])[:count]
    result = segment([(head.roi_head, features)], boxes, labels, frame.metainfo)
    assert torch.equal(boxes, before)
    masks = result.masks.dense(dtype=torch.bool)
    assert masks.shape == (count, 120, 180)
    torch.testing.assert_close(result.boxes, 2 * before)
