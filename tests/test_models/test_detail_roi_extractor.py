import pytest
import torch
from mmdet.models import SingleRoIExtractor
from roi_kit import ROIS, roi_maps

from mmvist.models import DetailRoIExtractor
from mmvist.models.detail_roi_extractor import _halved, detail_heads
from mmvist.registry import MODELS

KIND = dict(
    type='mmdet.SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=2),
    out_channels=5,
    featmap_strides=[4, 8, 16, 32],
)


def build(lively: bool = True) -> DetailRoIExtractor:
    torch.manual_seed(0)
    extractor = DetailRoIExtractor(KIND, channels=4)
    if lively:
        torch.nn.init.normal_(extractor.down[-1].weight)
    return extractor


def frames(count: int) -> torch.Tensor:
    return torch.rand(count, 3, 128, 192)


def host() -> SingleRoIExtractor:
    return SingleRoIExtractor(**{k: v for k, v in KIND.items() if k != 'type'})


@torch.no_grad()
def test_it_begins_as_the_other_extractor() -> None:
    coarse = roi_maps(2, 5)
    crops = build(lively=False)([*coarse, frames(2)], ROIS)
    assert torch.equal(crops, host()(coarse, ROIS))


@torch.no_grad()
def test_a_pixel_of_the_frame_changes_the_crop_where_it_lies() -> None:
    extractor, coarse = build(), roi_maps(1, 5)
    rois = torch.tensor([[0, 16.0, 16, 44, 44]])  # 28 x 28 pixels
    before = torch.zeros(1, 3, 128, 192)
    after = before.clone()
    after[0, :, 16 + 21, 16 + 7] = 5  # row 21, column 7 of the RoI
    change = extractor([*coarse, after], rois) - extractor([*coarse, before], rois)
    seen = change[0].abs().sum(0).nonzero()
    # rows 20 to 22 see it by bilinear interpolation, 19 to 23 after a convolution; and
    # row i of the crop is 2i and 2i + 1 of these
    assert seen.amin(0).tolist() == [9, 2] and seen.amax(0).tolist() == [11, 4]


@pytest.mark.parametrize(
    'side, level', [(8, 0), (28, 0), (60, 1), (120, 2), (300, 3), (480, 4)]
)
@torch.no_grad()
def test_a_crop_shows_the_same_colours_whatever_its_size(side: int, level: int) -> None:
    """Colours rise by one a pixel to the right, by ten downwards."""
    rows, columns = torch.meshgrid(
        torch.arange(515.0), torch.arange(521.0), indexing='ij'
    )
    frame = (10 * rows + columns).expand(1, 3, -1, -1)
    coarse = [torch.zeros(1, 5, 520 // s, 528 // s) for s in (4, 8, 16, 32)]
    extractor, found = build(), []
    extractor.colours.register_forward_hook(lambda *args: found.append(args[2]))
    rois = torch.tensor([[0, 13.0, 7, 13 + side, 7 + side]])
    assert extractor.colours.map_roi_levels(rois, 5).tolist() == [level]
    extractor([*coarse, frame], rois)
    places = (torch.arange(28) + 0.5) * side / 28 - 0.5  # centres of the cells
    expected = 10 * (7 + places[:, None]) + 13 + places
    assert torch.allclose(found[0][0, 0], expected, atol=0.1)


@pytest.mark.parametrize('size', [(8, 6), (5, 7), (1, 1), (1, 4)], ids=str)
def test_averages_are_those_of_pytorch(size) -> None:
    image = torch.rand(2, 3, *size)
    expected = torch.nn.functional.avg_pool2d(image, 2, ceil_mode=True)
    torch.testing.assert_close(_halved(image), expected)


@torch.no_grad()
def test_what_is_mirrored_gives_the_mirrored_crop() -> None:
    extractor, frame = build(), frames(1)
    for conv in (extractor.down[0], extractor.down[-1]):
        conv.weight.copy_((conv.weight + conv.weight.flip(-1)) / 2)
    coarse = [torch.zeros_like(one) for one in roi_maps(1, 5)]
    rois = torch.tensor([[0, 60.0, 30, 132, 90]])  # in the middle of 192 columns
    crop = extractor([*coarse, frame], rois)
    mirrored = extractor([*coarse, frame.flip(-1)], rois)
    assert torch.allclose(mirrored, crop.flip(-1), atol=1e-4)
    assert not torch.allclose(mirrored, crop, atol=0.1)


@torch.no_grad()
def test_a_frame_serves_all_draws() -> None:
    extractor, coarse, frame = build(), roi_maps(2, 5), frames(1)
    shared = extractor([*coarse, frame], ROIS)
    assert torch.equal(shared, extractor([*coarse, frame.repeat(2, 1, 1, 1)], ROIS))
    apart = extractor([*coarse, torch.cat([frame, frame + 1])], ROIS)
    rows = ROIS[:, 0] == 0
    assert torch.allclose(shared[rows], apart[rows], atol=1e-5)
    assert not torch.allclose(shared[~rows], apart[~rows], atol=0.1)


@torch.no_grad()
def test_rois_are_scaled_in_the_frame_too() -> None:
    extractor, nothing = build(), [torch.zeros_like(one) for one in roi_maps(2, 5)]
    feats = [*nothing, frames(2)]
    larger = extractor.colours.roi_rescale(ROIS, 2.0)
    scaled = extractor(feats, ROIS, 2.0)
    # the level is that of the RoI before, as the host has it
    same = extractor.colours.map_roi_levels(ROIS, 5)
    same = same == extractor.colours.map_roi_levels(larger, 5)
    assert same.any()
    assert torch.allclose(scaled[same], extractor(feats, larger)[same], atol=1e-5)
    assert not torch.allclose(scaled, extractor(feats, ROIS))


def test_the_layer_has_the_settings_of_the_other() -> None:
    layer = dict(KIND['roi_layer'], aligned=False, sampling_ratio=0)
    made = DetailRoIExtractor(dict(KIND, roi_layer=layer))
    colours = made.colours.roi_layers[1]
    assert (colours.aligned, colours.sampling_ratio) == (False, 0)
    assert colours.output_size == (28, 28) and colours.spatial_scale == 0.5


def test_a_name_without_a_scope_is_that_of_the_host() -> None:
    extractor = dict(KIND, type='SingleRoIExtractor')
    made = detail_heads(dict(mask_roi_extractor=extractor))['mask_roi_extractor']
    assert isinstance(MODELS.build(made).extractor, SingleRoIExtractor)
    assert extractor['type'] == 'SingleRoIExtractor', 'the config stays as it is'


def test_all_weights_are_in_the_graph_without_a_roi() -> None:
    extractor = build()
    crops = extractor([*roi_maps(2, 5), frames(2)], ROIS[:0])
    assert crops.shape == (0, 5, 14, 14)
    crops.sum().backward()
    assert all(one.grad is not None for one in extractor.parameters())


def test_the_rois_stay_as_they_are() -> None:
    rois = ROIS.clone()
    build()([*roi_maps(2, 5), frames(1)], rois)
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
    with pytest.raises(ValueError, match='with_detail needs a .*mask_roi_extractor'):
        detail_heads(changes)
