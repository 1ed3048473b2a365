"""Masks in rectangles: the same answers as of whole pictures."""

import numpy as np
import pytest
import torch
from pycocotools import mask as mask_utils

from mmvist.structures.combined_mask import combined_mask
from mmvist.structures.crop_rle import encode_crops
from mmvist.structures.crops import Crops, crop_iou, disjoint_crops
from mmvist.structures.masks import disjoint_masks, mask_iou

SIZE = (13, 17)


def random_crops(seed, count, size=SIZE):
    """Probabilities in rectangles, some empty, some as large as the frame."""
    rng = np.random.default_rng(seed)
    values, regions = [], []
    for _ in range(count):
        sides = [np.sort(rng.integers(0, side + 1, 2)) for side in size]
        if rng.random() < 0.2:
            sides[rng.integers(2)] = np.array([0, size[rng.integers(2)]])
        sides = [np.minimum(s, side) for s, side in zip(sides, size, strict=True)]
        regions.append(tuple(slice(int(a), int(b)) for a, b in sides))
        shape = [int(b - a) for a, b in sides]
        values.append(torch.from_numpy(rng.random(shape, dtype=np.float32)).half())
    return Crops(values, regions, size)


@pytest.fixture(params=range(20))
def probs(request):
    return random_crops(request.param, request.param % 7)


def masks_of(probs):
    return probs.map(lambda value: value >= 0.4)


def test_iou_is_that_of_the_pictures(probs):
    masks = masks_of(probs)
    whole = masks.dense(dtype=torch.bool)
    assert torch.equal(crop_iou(masks), mask_iou(whole, whole))


@pytest.mark.parametrize('tied', [False, True])
def test_disjoint_is_that_of_the_pictures(probs, tied):
    masks = masks_of(probs)
    scores = torch.rand(len(probs), generator=torch.Generator().manual_seed(1))
    if tied:
        scores = (scores > 0.5).float()
        probs = probs.map(lambda value: (value * 4).round() / 4)
    found = disjoint_crops(masks, scores, probs)
    expected = disjoint_masks(
        masks.dense(dtype=torch.bool), scores, probs=probs.dense(dtype=torch.half)
    )
    assert torch.equal(found.dense(dtype=torch.bool), expected)


def test_disjoint_of_more_masks_than_a_byte_counts():
    probs = random_crops(3, 300)
    masks = masks_of(probs)
    scores = torch.rand(300, generator=torch.Generator().manual_seed(1))
    found = disjoint_crops(masks, scores, probs).dense(dtype=torch.bool)
    expected = disjoint_masks(
        masks.dense(dtype=torch.bool), scores, probs=probs.dense(dtype=torch.half)
    )
    assert torch.equal(found, expected)


def test_codes_are_those_of_the_pictures(probs):
    masks = masks_of(probs)
    whole = masks.dense(dtype=torch.bool).numpy()
    expected = [mask_utils.encode(np.asfortranarray(mask)) for mask in whole]
    assert encode_crops(masks) == expected


@pytest.mark.parametrize('fill', [False, True])
@pytest.mark.parametrize('size', [(1, 1), (1, 9), (9, 1), (4, 5)])
def test_codes_of_full_and_empty_pictures(size, fill):
    whole = torch.full((1, *size), fill)
    expected = mask_utils.encode(np.asfortranarray(whole[0].numpy()))
    assert encode_crops(Crops.whole(whole)) == [expected]


def test_one_image_of_all(probs):
    masks = masks_of(probs)
    labels = torch.arange(len(probs)) % 3
    whole = masks.dense(dtype=torch.bool)
    assert torch.equal(combined_mask(masks, labels, 3), combined_mask(whole, labels, 3))


def test_rows_are_chosen_by_mask_and_index():
    crops = random_crops(0, 4)
    wanted = torch.tensor([False, True, False, True])
    dense = crops.dense()
    assert torch.equal(crops[wanted].dense(), dense[wanted])
    assert torch.equal(crops[torch.tensor([3, 0])].dense(), dense[[3, 0]])


@pytest.mark.parametrize(
    'region',
    [
        (slice(0, 2), slice(0, 2)),
        (slice(-1, 1), slice(0, 3)),
        (slice(3, 5), slice(0, 3)),
        (slice(0, 2), slice(3, 6)),
    ],
)
def test_a_crop_that_does_not_fit_is_refused(region):
    with pytest.raises(ValueError, match='do not fit'):
        Crops([torch.zeros(2, 3)], [region], (4, 5))
