import pytest
import torch
from mmdet.models import SingleRoIExtractor

from mmvist.models import DetailRoIExtractor
from mmvist.models.detail_roi_extractor import detail_heads
from mmvist.registry import MODELS

KIND = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=2),
    out_channels=5,
    featmap_strides=[4, 8, 16, 32],
)
ROIS = torch.tensor(
    [
        [0, 10.0, 12, 40, 60],
        [1, 0, 0, 192, 128],
        [1, 100, 30, 192, 128],
        [0, 3, 3, 5, 4],
        [1, 10.0, 12, 40, 60],
    ]
)


def build(lively: bool = True) -> DetailRoIExtractor:
    torch.manual_seed(0)
    extractor = DetailRoIExtractor(KIND, fine_channels=3, mid_channels=4)
    if lively:
        torch.nn.init.normal_(extractor.down[-1].weight)
    return extractor


def maps(count: int) -> list[torch.Tensor]:
    """Of frames of 128 x 192, without the fine one."""
    return [torch.rand(count, 5, 128 // s, 192 // s) for s in (4, 8, 16, 32)]


def host() -> SingleRoIExtractor:
    return SingleRoIExtractor(**{k: v for k, v in KIND.items() if k != 'type'})


@torch.no_grad()
def test_it_begins_as_the_other_extractor() -> None:
    coarse = maps(2)
    crops = build(lively=False)([*coarse, torch.rand(2, 3, 64, 96)], ROIS)
    assert torch.equal(crops, host()(coarse, ROIS))


@torch.no_grad()
def test_a_pixel_of_the_fine_map_changes_the_crop_where_it_lies() -> None:
    extractor, coarse = build(), maps(1)
    rois = torch.tensor([[0, 16.0, 16, 72, 72]])  # 28 x 28 cells of stride 2
    before = torch.zeros(1, 3, 64, 96)
    after = before.clone()
    after[0, :, 8 + 21, 8 + 7] = 5  # row 21, column 7 of the RoI
    change = extractor([*coarse, after], rois) - extractor([*coarse, before], rois)
    seen = change[0].abs().sum(0).nonzero()
    # rows 20 to 22 see it by bilinear interpolation, 19 to 23 after a convolution; and
    # row i of the crop reads 2i - 1 to 2i + 1 of these
    assert seen.amin(0).tolist() == [9, 2] and seen.amax(0).tolist() == [12, 5]


@torch.no_grad()
def test_a_fine_map_of_one_frame_serves_all_draws() -> None:
    extractor, coarse, fine = build(), maps(2), torch.rand(1, 3, 64, 96)
    shared = extractor([*coarse, fine], ROIS)
    assert torch.equal(shared, extractor([*coarse, fine.repeat(2, 1, 1, 1)], ROIS))
    apart = extractor([*coarse, torch.cat([fine, fine + 1])], ROIS)
    rows = ROIS[:, 0] == 0
    assert torch.allclose(shared[rows], apart[rows], atol=1e-5)
    assert not torch.allclose(shared[~rows], apart[~rows], atol=0.1)


@torch.no_grad()
def test_rois_are_scaled_on_the_fine_map_too() -> None:
    extractor, nothing = build(), [torch.zeros_like(one) for one in maps(2)]
    feats = [*nothing, torch.rand(2, 3, 64, 96)]
    larger = extractor.fine.roi_rescale(ROIS, 2.0)
    assert torch.equal(extractor(feats, ROIS, 2.0), extractor(feats, larger))
    assert not torch.allclose(extractor(feats, ROIS, 2.0), extractor(feats, ROIS))


def test_the_fine_layer_has_the_settings_of_the_other() -> None:
    layer = dict(KIND['roi_layer'], aligned=False, sampling_ratio=0)
    made = DetailRoIExtractor(dict(KIND, roi_layer=layer), fine_channels=3)
    fine = made.fine.roi_layers[0]
    assert (fine.aligned, fine.sampling_ratio) == (False, 0)
    assert fine.output_size == (28, 28) and fine.spatial_scale == 0.5


def test_a_name_without_a_scope_is_that_of_the_host() -> None:
    extractor = dict(KIND, type='SingleRoIExtractor')
    made = detail_heads(dict(mask_roi_extractor=extractor), 3)['mask_roi_extractor']
    assert isinstance(MODELS.build(made).extractor, SingleRoIExtractor)
    assert extractor['type'] == 'SingleRoIExtractor', 'the config stays as it is'


def test_all_weights_are_in_the_graph_without_a_roi() -> None:
    extractor = build()
    crops = extractor([*maps(2), torch.rand(2, 3, 64, 96)], ROIS[:0])
    assert crops.shape == (0, 5, 14, 14)
    crops.sum().backward()
    assert all(one.grad is not None for one in extractor.parameters())


def test_the_rois_stay_as_they_are() -> None:
    rois = ROIS.clone()
    build()([*maps(2), torch.rand(1, 3, 64, 96)], rois)
    assert torch.equal(rois, ROIS)


def test_it_says_of_the_other_extractor() -> None:
    extractor = build()
    assert extractor.num_inputs == 5
    assert extractor.out_channels == 5 and extractor.featmap_strides == [4, 8, 16, 32]
    assert extractor.roi_layers[0].output_size == (14, 14)
    levels = extractor.map_roi_levels(ROIS, 4)
    assert torch.equal(levels, host().map_roi_levels(ROIS, 4)) and levels.max() > 0


@pytest.mark.parametrize(
    'changes',
    [
        dict(mask_roi_extractor=None),
        dict(mask_roi_extractor=dict(KIND, type='GenericRoIExtractor')),
        dict(mask_roi_extractor=dict(KIND, featmap_strides=[4, 8, 16])),
        dict(mask_roi_extractor=dict(KIND, roi_layer=dict(type='RoIPool'))),
    ],
    ids=['none', 'kind', 'strides', 'layer'],
)
def test_heads_that_cannot_be(changes) -> None:
    with pytest.raises(ValueError, match='needs a mask_roi_extractor'):
        detail_heads(changes, 3)
