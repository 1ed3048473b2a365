import pytest
import torch
from mmdet.models import SingleRoIExtractor
from roi_kit import ROIS, roi_maps

from mmvist.models import ShortcutRoIExtractor

KIND = dict(
    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0),
    featmap_strides=[4, 8, 16, 32],
)


def build() -> ShortcutRoIExtractor:
    torch.manual_seed(0)
    extractor = ShortcutRoIExtractor(decoded_channels=3, out_channels=5, **KIND)
    torch.nn.init.normal_(extractor.out.bias)
    return extractor


@pytest.mark.parametrize('count', [1, 2])
@torch.no_grad()
def test_it_is_the_sum_of_whole_maps(count: int) -> None:
    extractor, decoded, given = build(), roi_maps(2, 3), roi_maps(count, 5)
    host = SingleRoIExtractor(out_channels=5, **KIND)
    whole = [extractor.out(one) + two for one, two in zip(decoded, given)]
    for scale in (None, 0.5):
        found = extractor([*decoded, *given], ROIS, scale)
        assert torch.allclose(found, host(whole, ROIS, scale), atol=1e-5)
    assert len({*host.map_roi_levels(ROIS, 4).tolist()}) > 1


def test_all_of_it_is_in_the_graph_without_a_roi() -> None:
    extractor = build()
    feats = [one.requires_grad_() for one in (*roi_maps(2, 3), *roi_maps(2, 5))]
    crops = extractor(feats, ROIS[:0])
    assert crops.shape == (0, 5, 7, 7)
    crops.sum().backward()
    assert all(one.grad is not None for one in (*extractor.parameters(), *feats))


def test_the_rois_stay_as_they_are() -> None:
    rois = ROIS.clone()
    build()([*roi_maps(2, 3), *roi_maps(1, 5)], rois)
    assert torch.equal(rois, ROIS)


def test_under_autocast_it_has_the_type_of_what_was_decoded() -> None:
    half = [one.half() for one in roi_maps(2, 3)]
    with torch.autocast('cpu', torch.half):
        crops = build()([*half, *roi_maps(2, 5)], ROIS)
    assert crops.dtype == torch.half
