"""Masks of every kind, and what would crash pycocotools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters.segmentation import read_segmentation, run_lengths

SIZE = (4, 5)
BOX = np.zeros(SIZE, dtype=np.uint8, order='F')
BOX[1:3, 1:4] = 1
CODE = mask_utils.encode(BOX)['counts']
RUNS = [5, 2, 2, 2, 2, 2, 5]


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))
)
def test_run_lengths_are_those_of_the_mask(mask):
    code = mask_utils.encode(np.asfortranarray(mask))['counts'].decode()
    flat = mask.flatten(order='F')
    values = np.repeat(np.arange(len(run_lengths(code))) % 2, run_lengths(code))
    np.testing.assert_array_equal(values, flat)


@pytest.mark.parametrize(
    'segmentation',
    [
        dict(size=[4, 5], counts=CODE),
        dict(size=(4, 5), counts=CODE.decode()),
        dict(size=[4, 5], counts=RUNS),
        [[1, 1, 4, 1, 4, 3, 1, 3]],
        [[1, 1, 2, 1, 2, 3, 1, 3], [2.0, 1, 4, 1, 4, 3, 2, 3]],
    ],
    ids=['bytes', 'text', 'runs', 'polygon', 'two polygons'],
)
def test_all_kinds_are_the_same_mask(segmentation):
    found = read_segmentation(segmentation, SIZE, 'a.json: track 1')
    assert found['size'] == [4, 5] and found['counts'] == CODE


BREAKS = {
    'number': (3, 'mask is neither polygons nor a run-length code'),
    'no counts': (dict(size=[4, 5]), 'mask is neither polygons nor a run-length code'),
    'turned': (dict(size=[5, 4], counts=RUNS), r'mask is \[5, 4\], its frame \[4, 5\]'),
    'size a number': (dict(size=20, counts=RUNS), r'mask is 20, its frame \[4, 5\]'),
    'counts a number': (dict(size=[4, 5], counts=20), '20 is no text'),
    'cut': (dict(size=[4, 5], counts=CODE.decode() + 'P'), 'ends in the middle'),
    'foreign': (dict(size=[4, 5], counts='~~'), "'~' is no character of it"),
    'beyond latin': (
        dict(size=[4, 5], counts='0\u20ac'),
        "'\u20ac' is no character of it",
    ),
    'too long': (dict(size=[4, 5], counts='P' * 7 + '0'), 'has too many characters'),
    'negative code': (dict(size=[4, 5], counts='O'), 'a run is negative'),
    'short': (
        dict(size=[4, 5], counts=CODE[:-1]),
        'run-length code is of 15 pixels, the frame of 4 x 5',
    ),
    'empty': (dict(size=[4, 5], counts=''), 'is of 0 pixels, the frame of 4 x 5'),
    'long runs': (dict(size=[4, 5], counts=[5, 16]), 'is of 21 pixels'),
    'negative run': (dict(size=[4, 5], counts=[25, -5]), '-5 is no length of a run'),
    'run a text': (dict(size=[4, 5], counts=['20']), "'20' is no length of a run"),
    'no polygon': ([], 'mask has no polygon'),
    'polygon a text': (['no'], 'polygon is no list of numbers'),
    'polygon of points': ([[[1, 1], [4, 1], [4, 3]]], 'polygon is no list of numbers'),
    'two points': ([[1, 1, 4, 3]], 'polygon of 4 numbers; three points are six'),
    'odd': ([[1, 1, 4, 1, 4, 3, 1]], 'polygon of 7 numbers'),
    'not finite': ([[1, 1, 4, 1, 4, float('nan')]], 'polygon is no list of numbers'),
}


@pytest.mark.parametrize('name', BREAKS)
def test_a_broken_mask_is_named(name):
    segmentation, message = BREAKS[name]
    with pytest.raises(DataError, match=message) as caught:
        read_segmentation(segmentation, SIZE, 'a.json: track 1')
    assert str(caught.value).startswith('a.json: track 1: ')
    assert '\n' not in str(caught.value)
