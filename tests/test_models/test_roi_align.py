"""RoIAlign of maps with the channels innermost, beside MMCV's."""

import itertools

import pytest
import torch
from mmcv.ops import RoIAlign
from tiny_vist import FAST, lively_model, test_data, toy_video

from mmvist.models import roi_align
from mmvist.models.roi_align import SeparableRoIAlign

ROIS = torch.tensor(
    [
        [1, 3.3, 4.1, 30.7, 40.2],
        [0, 0, 0, 90, 60],
        [0, 50.5, 20.25, 51, 20.5],  # of less than a cell
        [1, -9, -7, 12, 11],  # beyond either end
        [0, 70, 40, 130, 99],
        [1, 200, 200, 240, 230],  # outside
        [0, 10, 5, 80, 6],  # flat
        [1, 20, 20, 20, 20],
    ]
)


def inside(maps):
    """The same with the channels innermost in memory."""
    return maps.contiguous(memory_format=torch.channels_last)


def both(size=7, stride=4, sampling_ratio=0, aligned=True):
    made = size, 1 / stride, sampling_ratio, 'avg', aligned
    return RoIAlign(*made), SeparableRoIAlign(*made)


@pytest.mark.parametrize(
    ('size', 'stride', 'sampling_ratio', 'aligned'),
    list(itertools.product([1, 7, (5, 14)], [4, 16], [0, 2], [True, False])),
)
def test_crops_and_gradients_are_those_of_mmcv(size, stride, sampling_ratio, aligned):
    generator = torch.Generator().manual_seed(0)
    theirs, ours = both(size, stride, sampling_ratio, aligned)
    shape = 2, 3, 60 // stride, 90 // stride
    maps = torch.rand(shape, generator=generator)
    given = maps.clone().requires_grad_()
    found = inside(maps).requires_grad_()
    crops, others = ours(found, ROIS), theirs(given, ROIS)
    assert crops.shape == others.shape
    torch.testing.assert_close(crops, others, rtol=0, atol=1e-5)
    grad = torch.rand(others.shape, generator=generator)
    crops.backward(grad)
    others.backward(grad)
    assert given.grad.abs().sum() > 0
    torch.testing.assert_close(found.grad, given.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('whole', [False, True], ids=['any', 'whole numbers'])
@pytest.mark.parametrize('seed', range(5))
def test_in_single_precision_many_random_boxes_differ_by_rounding(seed, whole):
    """Whole numbers put samples on the border of a map, where they count or do not."""
    generator = torch.Generator().manual_seed(seed)
    owner = torch.randint(2, (400, 1), generator=generator)
    corner = torch.rand(400, 2, generator=generator) * 120 - 30
    size = torch.rand(400, 2, generator=generator) ** 3 * 150
    rois = torch.cat([owner, corner, corner + size], dim=1)
    if whole:
        rois = rois.round()
    for bins, sampling_ratio in ((14, 0), (7, 0), (7, 2)):
        theirs, ours = both(bins, sampling_ratio=sampling_ratio)
        maps = 1 + torch.rand(2, 3, 13, 19, generator=generator)
        found = ours(inside(maps), rois)
        torch.testing.assert_close(found, theirs(maps, rois), rtol=0, atol=1e-5)


def test_autocast_rounds_neither_crops_nor_gradients():
    _, ours = both()
    maps = inside(torch.rand(2, 3, 15, 22)).requires_grad_()
    crops = ours(maps, ROIS)
    (expected,) = torch.autograd.grad(crops.square().sum(), maps)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = ours(maps, ROIS)
        (gradient,) = torch.autograd.grad(found.square().sum(), maps)
    assert torch.equal(found, crops) and torch.equal(gradient, expected)


def test_crops_can_be_changed_and_viewed_as_those_of_mmcv_can():
    _, ours = both()
    crops = ours(inside(torch.rand(2, 3, 15, 22)).requires_grad_(), ROIS)
    torch.relu_(crops).view(len(ROIS), -1).sum().backward()


@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf'), None])
@pytest.mark.parametrize('corner', [1, 2, 3, 4])
def test_a_box_that_is_none_has_a_crop_of_zeros(sampling_ratio, value, corner):
    rois = ROIS[:3].clone()
    _, ours = both(sampling_ratio=sampling_ratio)
    maps = inside(torch.rand(2, 3, 15, 22)).requires_grad_()
    before = ours(maps, rois)
    assert before[1].any()
    # without a value it ends before it begins
    rois[1, corner] = (80 if corner < 3 else -20) if value is None else value
    if value is None and corner < 3:
        rois[1, corner + 2] = 20
    crops = ours(maps, rois)
    assert not crops[1].any()
    assert torch.equal(crops[[0, 2]], before[[0, 2]])
    crops.sum().backward()
    assert torch.isfinite(maps.grad).all()


def test_no_boxes_have_no_crops():
    _, ours = both()
    maps = inside(torch.rand(1, 3, 15, 22)).requires_grad_()
    crops = ours(maps, torch.zeros(0, 5))
    assert crops.shape == (0, 3, 7, 7)
    crops.sum().backward()
    assert not maps.grad.any()


def test_a_picture_that_is_not_there_is_refused():
    _, ours = both()
    with pytest.raises(IndexError):
        ours(inside(torch.rand(1, 3, 15, 22)), torch.tensor([[1.0, 2, 3, 9, 9]]))


@pytest.mark.parametrize('mode', ['avg', 'max'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.float16])
def test_what_is_left_to_mmcv_is_read_in_its_layout(monkeypatch, mode, dtype):
    monkeypatch.setattr(roi_align, '_is_for_products', lambda maps: False)
    maps, made = torch.rand(2, 3, 15, 22).to(dtype), (7, 0.25, 2, mode)
    rois = ROIS.to(dtype)
    crops = SeparableRoIAlign(*made)(inside(maps), rois)
    assert torch.equal(crops, RoIAlign(*made)(maps, rois))


def test_maxima_are_not_means():
    maps, made = torch.rand(2, 3, 15, 22), (7, 0.25, 2, 'max')
    crops = SeparableRoIAlign(*made)(inside(maps), ROIS)
    assert torch.equal(crops, RoIAlign(*made)(maps, ROIS))


@pytest.mark.parametrize(
    'changes', [{}, dict(channels_last=True, **FAST)], ids=['default', 'fast']
)
def test_a_video_is_the_same_with_that_of_mmcv(monkeypatch, changes):
    video = toy_video(size=(240, 360), step=6)
    model = lively_model(**changes)
    found = model.test_step(test_data(video, [0, 1, 2]))

    def forward(self, input, rois):
        calls.append(len(rois))
        return RoIAlign.forward(self, input.contiguous(), rois)

    calls = []
    monkeypatch.setattr(SeparableRoIAlign, 'forward', forward)
    others = model.test_step(test_data(video, [0, 1, 2]))
    assert len(calls) > 9
    for one, other in zip(found[0], others[0], strict=True):
        a, b = one.pred_track_instances, other.pred_track_instances
        assert len(a) and torch.equal(a.instances_id, b.instances_id)
        torch.testing.assert_close(a.bboxes, b.bboxes, rtol=1e-4, atol=1e-3)
        assert (a.masks != b.masks).float().mean() < 1e-3
