"""Masks from the mask head to the pixels of the picture: those of the host."""

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask
from pycocotools import mask as mask_utils
from tiny_vist import lively_model, test_data, toy_video

from mmvist.models.segmentation import _settle, paste, paste_all

SIZE = (60, 90)


def boxes():
    """Of all sizes, at the borders and beyond them."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(60, 2, generator=generator) * torch.tensor([110.0, 80]) - 10
    sides = torch.rand(60, 2, generator=generator) ** 3 * 90 + 0.05
    large = torch.tensor([[-20.0, -20, 200, 150], [0, 0, 90, 60], [10, 10, 11, 11]])
    return torch.cat([torch.cat([corner, corner + sides], dim=1), large])


@pytest.mark.parametrize('box', boxes().tolist())
def test_paste_is_that_of_the_host(box):
    probs = torch.rand(2, 28, 28, generator=torch.Generator().manual_seed(1))
    found, region = paste(probs, box, SIZE)
    host = torch.zeros(2, *SIZE)
    if box[0] < SIZE[1] and box[1] < SIZE[0] and box[2] > 0 and box[3] > 0:
        # the host fails for a box that is not in the picture at all
        pasted, place = _do_paste_mask(
            probs[:, None], torch.tensor([box] * 2), *SIZE, skip_empty=True
        )
        host[(slice(None), *place)] = pasted
    whole = torch.zeros(2, *SIZE)
    whole[(slice(None), *region)] = found
    assert (region[0].stop - region[0].start, region[1].stop - region[1].start) == (
        tuple(found.shape[1:])
    )
    torch.testing.assert_close(whole, host, atol=5e-6, rtol=0)


def test_what_is_on_the_threshold_is_as_the_host_says():
    """Values at which rounding decides: all of them are at the threshold, nearly."""
    generator = torch.Generator().manual_seed(0)
    probs = 0.5 + 1e-7 * torch.randn(1, 28, 28, generator=generator)
    box = [10.3, 5.2, 71.7, 48.9]
    found, region = paste(probs, box, SIZE)
    host, _ = _do_paste_mask(
        probs[:, None], torch.tensor([box]), *SIZE, skip_empty=True
    )
    inner = (slice(3, -3), slice(3, -3))
    before = (found[0] >= 0.5) != (host[0] >= 0.5)
    assert before[inner].any(), 'rounding does decide here'
    settled = _settle(found[0], 0.5, probs, box, region)
    assert torch.equal(settled >= 0.5, host[0] >= 0.5)


def test_autocast_changes_nothing():
    probs = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([[3.2, 4.1, 40, 50], [-5, 0, 91, 61], [9, 9, 9.5, 9.5]])
    places = torch.cat([corners, corners[:1] + 7])
    plain = paste_all(probs, places, SIZE, 0.5)
    with torch.autocast('cpu', torch.bfloat16):
        cast = paste_all(probs, places, SIZE, 0.5)
    assert torch.equal(plain.masks.dense(), cast.masks.dense())
    assert torch.equal(plain.probs.dense(), cast.probs.dense())


@pytest.mark.parametrize('box', [[10.5, 10, 10.5, 20], [4, 4, 4, 4], [95, 5, 99, 9]])
def test_a_box_without_extent_or_beyond_is_finite(box):
    found = paste_all(torch.rand(1, 1, 28, 28), torch.tensor([box]), SIZE, 0.5)
    assert all(value.isfinite().all() for value in found.probs.values)


def test_codes_say_what_pictures_say():
    torch.manual_seed(0)
    dense, coded = lively_model().eval(), lively_model(mask_format='rle').eval()
    coded.load_state_dict(dense.state_dict())
    count = 0
    for one, other in zip(
        *(m.test_step(test_data(toy_video(), range(3)))[0] for m in (dense, coded)),
        strict=True,
    ):
        one, other = one.pred_track_instances, other.pred_track_instances
        assert torch.equal(one.instances_id, other.instances_id)
        assert isinstance(other.masks, list) and len(other.masks) == len(one.masks)
        for mask, code in zip(one.masks.numpy(), other.masks, strict=True):
            assert np.array_equal(mask_utils.decode(code), mask)
            count += int(mask.sum())
    assert count


def test_a_mask_is_as_sure_as_its_own_pixels():
    probs = torch.tensor([[0.9, 0.7], [0.2, 0.0]])
    still = torch.zeros(2, 2)
    boxes = torch.tensor([[4.0, 4, 6, 6], [10, 10, 12, 12]])
    found = paste_all(torch.stack([probs, still])[:, None], boxes, SIZE, 0.5)
    inside = found.probs.dense()[0].float()[found.masks.dense()[0]]
    assert len(inside) > 1 and not found.masks.dense()[1].any()
    torch.testing.assert_close(
        found.scores(), torch.stack([inside.mean(), still.sum()])
    )


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="'dense' or 'rle', got 'polygon'"):
        lively_model(mask_format='polygon')
