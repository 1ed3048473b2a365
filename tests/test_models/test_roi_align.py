"""RoIAlign by products of matrices, beside MMCV's."""

import itertools

import pytest
import torch
from mmcv.ops import RoIAlign, RoIPool
from tiny_vist import FAST, lively_model, test_data, tiny_model, toy_video
from torch import nn

from mmvist.models.roi_align import SeparableRoIAlign, separate

INNER = dict(memory_format=torch.channels_last)
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
    ],
    dtype=torch.float64,
)


def both(size=7, stride=4, sampling_ratio=0, aligned=True):
    made = size, 1 / stride, sampling_ratio, 'avg', aligned
    return RoIAlign(*made), SeparableRoIAlign(*made)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ('size', 'stride', 'sampling_ratio', 'aligned'),
    list(itertools.product([1, 7, (5, 14)], [4, 16], [0, 2], [True, False])),
)
def test_crops_and_gradients_are_those_of_mmcv(
    layout, size, stride, sampling_ratio, aligned
):
    generator = torch.Generator().manual_seed(0)
    theirs, ours = both(size, stride, sampling_ratio, aligned)
    shape = 2, 3, 60 // stride, 90 // stride
    maps = torch.rand(shape, generator=generator, dtype=torch.float64)
    given = maps.clone().requires_grad_()
    found = maps.to(memory_format=layout).requires_grad_()
    crops, others = ours(found, ROIS), theirs(given, ROIS)
    assert crops.shape == others.shape
    torch.testing.assert_close(crops, others, rtol=0, atol=1e-12)
    grad = torch.rand(others.shape, generator=generator, dtype=torch.float64)
    crops.backward(grad)
    others.backward(grad)
    assert given.grad.abs().sum() > 0
    torch.testing.assert_close(found.grad, given.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize('seed', range(5))
def test_in_single_precision_many_random_boxes_differ_by_rounding(seed):
    generator = torch.Generator().manual_seed(seed)
    theirs, ours = both(14)
    maps = torch.rand(2, 8, 96, 160, generator=generator)
    corner = torch.rand(60, 2, generator=generator) * torch.tensor([600.0, 350.0])
    size = torch.rand(60, 2, generator=generator) ** 3 * 400
    owner = torch.randint(2, (60, 1), generator=generator)
    rois = torch.cat([owner, corner, corner + size], dim=1)
    torch.testing.assert_close(ours(maps, rois), theirs(maps, rois), rtol=0, atol=3e-4)


def test_the_gradient_is_that_of_the_crops():
    _, ours = both(3)
    maps = torch.rand(2, 2, 6, 7, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0, 1.2, 2.3, 20, 17], [1, -5, 3, 33, 9]]).double()
    assert torch.autograd.gradcheck(lambda one: ours(one, rois), maps)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_that_of_the_maps_alone(dtype):
    """MMCV's has no bfloat16 on a CPU."""
    theirs, ours = both()
    maps = torch.rand(2, 3, 15, 22).to(dtype).requires_grad_()
    rois = ROIS.float()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        crops = ours(maps, rois)
    assert crops.dtype == dtype
    exact = theirs(maps.detach().float(), rois)
    torch.testing.assert_close(crops.float(), exact, rtol=1e-2, atol=1e-3)
    crops.sum().backward()
    assert maps.grad.dtype == dtype and maps.grad.float().abs().sum() > 0


@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize('corner', [1, 2, 3, 4])
def test_a_box_that_is_not_finite_has_a_crop_of_zeros(sampling_ratio, value, corner):
    rois = ROIS[:3].clone()
    _, ours = both(sampling_ratio=sampling_ratio)
    maps = torch.rand(2, 3, 15, 22, dtype=torch.float64, requires_grad=True)
    before = ours(maps, rois)
    rois[1, corner] = value
    crops = ours(maps, rois)
    assert not crops[1].any()
    assert torch.equal(crops[[0, 2]], before[[0, 2]])
    crops.sum().backward()
    assert torch.isfinite(maps.grad).all()


def test_no_boxes_have_no_crops():
    _, ours = both()
    maps = torch.rand(1, 3, 15, 22, requires_grad=True)
    crops = ours(maps, torch.zeros(0, 5))
    assert crops.shape == (0, 3, 7, 7)
    crops.sum().backward()
    assert not maps.grad.any()


def test_a_picture_that_is_not_there_is_refused():
    _, ours = both()
    with pytest.raises(IndexError):
        ours(torch.rand(1, 3, 15, 22), torch.tensor([[1.0, 2, 3, 9, 9]]))


def test_maxima_are_those_of_mmcv_in_any_layout():
    maps = torch.rand(2, 3, 15, 22)
    made = 7, 0.25, 2, 'max'
    crops = SeparableRoIAlign(*made)(maps.to(**INNER), ROIS.float())
    assert torch.equal(crops, RoIAlign(*made)(maps, ROIS.float()))


def test_separate_changes_roi_align_alone():
    model = nn.ModuleDict(
        dict(
            one=nn.ModuleList([RoIAlign((3, 5), 0.5, 2, 'avg', False)]),
            other=RoIPool(3),
            last=RoIAlign(7, use_torchvision=True),
        )
    )
    separate(model)
    assert type(model['one'][0]) is SeparableRoIAlign
    theirs = RoIAlign((3, 5), 0.5, 2, 'avg', False)
    assert (
        vars(model['one'][0]).items()
        >= dict(
            output_size=(3, 5),
            spatial_scale=0.5,
            sampling_ratio=2,
            pool_mode='avg',
            aligned=False,
        ).items()
    )
    assert repr(model['one'][0]).split('(')[1:] == repr(theirs).split('(')[1:]
    assert type(model['other']) is RoIPool and type(model['last']) is RoIAlign


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
def test_no_other_roi_align_is_left_in_a_model(changes):
    layers = [m for m in tiny_model(**changes).modules() if isinstance(m, RoIAlign)]
    assert len(layers) > 12
    assert all(type(layer) is SeparableRoIAlign for layer in layers)


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
