"""Pictures under captions."""

import numpy as np
import pytest

from mmvist.visualization import next_frame_picture, side_by_side


def plain(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_panels_stand_side_by_side_under_a_bar() -> None:
    picture = side_by_side(
        [('one', plain(200, 300, 50)), ('two', plain(200, 100, 90))], gap=6
    )
    bar = picture.shape[0] - 200
    assert picture.shape[1] == 406
    assert 10 < bar < 40
    assert (picture[bar:, :300] == 50).all()
    assert (picture[bar:, 306:] == 90).all()
    assert (picture[:bar, :300] > 200).any(), 'the caption is written'


def test_a_caption_too_long_is_made_smaller() -> None:
    picture = side_by_side([('a caption of many words ' * 3, plain(100, 400, 0))])
    bar = picture[: len(picture) - 100]
    assert (bar[:, :100] > 150).any()
    assert not (bar[:, -4:] > 150).any(), 'it ends before the edge'


@pytest.mark.parametrize('rows', [1, 3])
def test_next_frames_in_rows(rows: int) -> None:
    row = (plain(64, 96, 10), plain(64, 96, 20), plain(64, 96, 30))
    picture = next_frame_picture([row] * rows, target=384, gap=6)
    assert picture.shape[1] == 3 * 384 + 2 * 6
    bar = picture.shape[0] - rows * 256 - (rows - 1) * 6
    assert 10 < bar < 60
    for k in range(rows):
        y = bar + k * 262 + 128
        assert [int(picture[y, x, 0]) for x in (100, 500, 900)] == [10, 20, 30]


def test_a_prediction_of_another_size_is_brought_to_that_of_the_frame() -> None:
    row = (plain(64, 96, 10), plain(64, 96, 20), plain(32, 48, 30))
    assert next_frame_picture([row], target=96).shape[1] == 3 * 96 + 12
