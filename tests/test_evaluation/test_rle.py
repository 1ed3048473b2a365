import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_utils

from mmvist.evaluation.rle import (
    disjoint_rles,
    encode_masks,
    first_by_score,
    merge_rles,
    to_rle,
)
from mmvist.structures.masks import disjoint_masks


@given(st.integers(0, 5), st.sampled_from([0.1, 0.4, 0.9]), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_disjoint_rles_equals_disjoint_masks(num, density, seed):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(num, 5, 7, generator=generator) < density
    scores = torch.randint(0, 3, (num,), generator=generator) / 2
    rles, removed = disjoint_rles(encode_masks(masks), scores.numpy())
    expected = disjoint_masks(masks, scores)
    assert rles == encode_masks(expected)
    assert removed == (masks & ~expected).sum()


def test_encode_decode():
    mask = np.zeros((3, 4), dtype=bool)
    mask[1:, 2] = True
    (rle,) = encode_masks(mask[None])
    assert isinstance(rle['counts'], str)
    assert (mask_utils.decode(rle) == mask).all()
    assert encode_masks(torch.from_numpy(mask)[None]) == [rle]
    assert encode_masks([mask_utils.encode(np.asfortranarray(mask, np.uint8))]) == [rle]
    assert encode_masks(np.zeros((0, 3, 4))) == []
    # column by column: 7 off, 2 on, 3 off
    assert to_rle({'size': [3, 4], 'counts': [7, 2, 3]}, 3, 4) == rle
    assert mask_utils.area(merge_rles([rle, rle])) == 2
    assert merge_rles([])['size'] == [0, 0]


def test_first_by_score():
    ids, scores = np.array([4, 2, 4, 2, 9]), np.array([0.1, 0.5, 0.3, 0.5, 0.0])
    assert first_by_score(ids, scores).tolist() == [1, 2, 4]
    assert first_by_score(ids[:0], scores[:0]).tolist() == []
