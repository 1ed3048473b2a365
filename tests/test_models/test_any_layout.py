"""MMCV's operators read maps with the channels innermost wrongly, if nobody helps."""

import copy

import pytest
import torch
from mmcv.ops import ModulatedDeformConv2dPack, RoIAlign
from mmdet.models import FCNMaskHead, SingleRoIExtractor
from tiny_vist import FAST, tiny_config, tiny_model
from torch import nn

from mmvist.models import read_any_layout
from mmvist.models.roi_align import SeparableRoIAlign
from mmvist.registry import MODELS

INNER = dict(memory_format=torch.channels_last)
ROIS = torch.tensor([[0, 3.3, 4.1, 30.7, 40.2], [1, 50, 20, 80, 50]])


def test_roi_align_is_replaced_by_one_alike():
    host = dict(type='RoIAlign', output_size=(3, 5), sampling_ratio=2, aligned=False)
    extractor = SingleRoIExtractor(host, 3, [4, 8])
    theirs = list(extractor.roi_layers)
    read_any_layout(extractor)
    for one, other in zip(extractor.roi_layers, theirs, strict=True):
        assert type(one) is SeparableRoIAlign and type(other) is RoIAlign
        assert repr(one).split('(')[1:] == repr(other).split('(')[1:]


def test_other_roi_layers_are_handed_the_layout_that_they_read():
    class Other(RoIAlign):
        pass

    extractor = SingleRoIExtractor(dict(type=Other, output_size=7), 3, [4])
    maps = torch.rand(2, 3, 15, 22)
    crops, wrong = extractor([maps], ROIS), extractor([maps.contiguous(**INNER)], ROIS)
    assert not torch.equal(crops, wrong), 'no copy would be needed'
    read_any_layout(extractor)
    assert type(extractor.roi_layers[0]) is Other
    assert torch.equal(extractor([maps.contiguous(**INNER)], ROIS), crops)


@torch.no_grad()
def test_deformable_convolutions_are_handed_the_layout_that_they_read():
    torch.manual_seed(0)
    deformable = ModulatedDeformConv2dPack(4, 5, 3, padding=1, bias=False)
    nn.init.normal_(deformable.conv_offset.weight)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), deformable, nn.Conv2d(5, 2, 3)).eval()
    image = torch.rand(2, 3, 20, 30)
    expected = model(image)
    other = copy.deepcopy(model).to(**INNER)
    assert not torch.allclose(other(image), expected, atol=1e-2), 'no help is needed'
    for _ in range(2):
        read_any_layout(other)
    assert len(other[1]._forward_pre_hooks) == 1
    found = other(image)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert found.is_contiguous(**INNER), 'the rest keeps its layout'


@torch.no_grad()
def test_mask_heads_too():
    """Crops reach them with the channels innermost, whatever the model's layout."""
    torch.manual_seed(0)
    head = dict(num_convs=2, in_channels=8, conv_out_channels=8, num_classes=3)
    head = FCNMaskHead(**head, conv_cfg=dict(type='DCNv2', deform_groups=1)).eval()
    for conv in head.convs:
        nn.init.normal_(conv.conv.conv_offset.weight)
    crops = torch.rand(5, 8, 14, 14)
    expected = head(crops)
    read_any_layout(head)
    torch.testing.assert_close(head(crops.contiguous(**INNER)), expected)


@torch.no_grad()
def test_a_detector_of_mmdetection_with_the_channels_innermost():
    torch.manual_seed(0)
    detector = MODELS.build(tiny_config()['detector']).eval()
    image, rois = torch.rand(1, 3, 64, 96), ROIS * torch.tensor([0, 1, 1, 1, 1])

    def heads():
        maps = detector.extract_feat(image)
        boxes = detector.roi_head._bbox_forward(maps, rois)
        masks = detector.roi_head._mask_forward(maps, rois)
        return boxes['cls_score'], boxes['bbox_pred'], masks['mask_preds']

    expected = heads()
    detector.to(**INNER)
    read_any_layout(detector)
    assert detector.extract_feat(image)[0].is_contiguous(**INNER)
    for one, other in zip(heads(), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
def test_no_other_roi_align_is_left_in_a_model(changes):
    layers = [m for m in tiny_model(**changes).modules() if isinstance(m, RoIAlign)]
    assert len(layers) > 12
    assert all(type(layer) is SeparableRoIAlign for layer in layers)
