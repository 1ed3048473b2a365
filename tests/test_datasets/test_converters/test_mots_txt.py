"""MOTS txt: every pixel, and one line for each way to break it."""

import numpy as np
import pytest
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.datasets.converters.mots_txt import read_mots_txt

CLASSES = {1: 'car', 2: 'pedestrian'}
SIZE = (6, 8)


def rle_of(columns, size=SIZE):
    """Code of a mask that fills some columns."""
    mask = np.zeros(size, dtype=np.uint8, order='F')
    mask[:, list(columns)] = 1
    return mask_utils.encode(mask)['counts'].decode()


def line(frame=0, value=1001, category=1, size=SIZE, rle=None, columns=(0, 1)):
    return f'{frame} {value} {category} {size[0]} {size[1]} {rle or rle_of(columns)}'


@pytest.fixture
def read(tmp_path):
    def read_lines(*lines):
        path = tmp_path / '0000.txt'
        path.write_text('\n'.join(lines) + '\n')
        return read_mots_txt(path, CLASSES)

    return read_lines


def test_frames_and_pixels(read):
    frames = read(
        line(), line(3, 2007, 2, columns=(4,)), line(3, 10000, 10, columns=(6, 7)), ''
    )
    assert list(frames) == [0, 3]
    assert [(one.value, one.category_id, one.line) for one in frames[3]] == [
        (2007, 2, 2),
        (10000, 10, 3),
    ]
    mask = mask_utils.decode(frames[3][1].rle)
    assert mask.shape == SIZE and mask[:, 6:].all() and mask.sum() == 12


def test_an_empty_file_has_no_frames(read):
    assert read() == {}


def test_two_regions_that_are_not_judged(read):
    both = [line(0, 10000, 10, columns=(c,)) for c in (1, 5)]
    assert len(read(*both)[0]) == 2


BREAKS = {
    'five fields': ([line()[:12]], '1: has 5 fields, not the six of frame id class'),
    'no number': ([line('x')], 'x 1001 1 6 8 are not five whole numbers'),
    'negative': ([line(-1)], '-1 1001 1 6 8 are not five whole numbers'),
    'class': ([line(0, 3001, 3)], '1: class 3 is none of .*--classes'),
    'id outside class': (
        [line(0, 2001, 1)],
        r'id 2001 is outside its class 1 \(ids of',
    ),
    'id small': ([line(0, 7, 1)], 'id 7 is outside its class 1'),
    'twice': ([line(), line(columns=(5,))], '2: id 1001 is in frame 0 .*at line 1'),
    'overlap': (
        [line(), line(0, 1002, columns=(1, 2))],
        '2: mask overlaps that of line 1, id 1001, by 6 pixels',
    ),
    'overlap of a region': (
        [line(), line(0, 10000, 10, columns=(1,))],
        'overlaps that of line 1',
    ),
    'two sizes': (
        [line(), line(0, 1002, size=(6, 9), rle=rle_of((4,), (6, 9)))],
        r'2: size \[6, 9\] is not that of line 1, \[6, 8\]',
    ),
    'short code': ([line(rle='0<')], '1: run-length code is of 12 pixels, the frame'),
    'long code': ([line(rle=rle_of((1,), (6, 9)))], 'is of 54 pixels'),
    'cut code': ([line(rle='P')], 'it ends in the middle of a number'),
    'foreign character': ([line(rle='0~')], "'~' is no character of it"),
    'negative run': ([line(rle='O')], 'a run is negative'),
}


@pytest.mark.parametrize('name', BREAKS)
def test_a_bad_line_is_named(read, name):
    lines, message = BREAKS[name]
    with pytest.raises(DataError, match=message) as caught:
        read(*lines)
    assert '0000.txt:' in str(caught.value) and '\n' not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r'none.txt: cannot be read \(No such file'):
        read_mots_txt(tmp_path / 'none.txt', CLASSES)
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(DataError, match='b.txt: is no text file'):
        read_mots_txt(tmp_path / 'b.txt', CLASSES)
