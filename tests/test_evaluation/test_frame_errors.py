"""Missed instances, switched identities, and the frames in which methods differ."""

import numpy as np
import pytest

from mmvist.evaluation.frame_errors import (
    FrameErrors,
    PredictedFrame,
    best_matches,
    choose_frames,
    difference,
    find_errors,
)
from mmvist.evaluation.rle import Rle, encode_mask
from mmvist.evaluation.truth import TruthFrame


def strip(first: int, last: int) -> Rle:
    """Columns ``first`` to ``last`` - 1 of a frame of 4 x 20."""
    mask = np.zeros((4, 20), bool)
    mask[:, first:last] = True
    return encode_mask(mask)


def truth(*instances: tuple[int, int, int], img_id: int = 1) -> TruthFrame:
    """Instances as (id, first column, last column)."""
    return TruthFrame(
        img_id,
        *(4, 20),
        category_ids=[1] * len(instances),
        instance_ids=[one[0] for one in instances],
        rles=[strip(*one[1:]) for one in instances],
    )


def found(*instances: tuple[int, int, int]) -> PredictedFrame:
    return PredictedFrame(
        [one[0] for one in instances], [strip(*one[1:]) for one in instances]
    )


def test_the_mask_that_covers_best() -> None:
    frame = truth((1, 0, 8), (2, 10, 14))
    seen = found((7, 0, 4), (8, 0, 6), (9, 15, 20))
    assert best_matches(frame, seen.rles, seen.ids) == [(0.75, 8), (0.0, 7)]
    assert best_matches(frame, [], []) == [(0.0, -1)] * 2
    assert best_matches(truth(), seen.rles, seen.ids) == []


@pytest.mark.parametrize(
    ('last', 'identity'),
    [(4, 5), (3, None)],  # an IoU of exactly a half is found
)
def test_found_from_half_on(last: int, identity: int | None) -> None:
    [errors] = find_errors([truth((1, 0, 8))], {1: found((5, 0, last))})
    assert errors.ids == [identity]
    assert errors.missed == ([] if identity else [0])


def test_a_switch_is_against_the_last_frame_in_which_it_was_found() -> None:
    frames = [truth((1, 0, 8), (2, 10, 18), img_id=t) for t in range(5)]
    predicted = {
        0: found((5, 0, 8), (6, 10, 18)),
        # the first one is missed, then back as another; 6 and 9 swap at frame 3
        1: found((6, 10, 18)),
        2: found((9, 0, 8), (6, 10, 18)),
        3: found((6, 0, 8), (9, 10, 18)),
        # frame 4 has no prediction at all
    }
    errors = find_errors(frames, predicted)
    assert [one.missed for one in errors] == [[], [0], [], [], [0, 1]]
    assert [one.switched for one in errors] == [{}, {}, {0: 5}, {0: 9, 1: 6}, {}]
    assert [one.state(0) for one in errors] == [
        *('followed', 'missed', 'switched', 'switched', 'missed')
    ]


def errors(*ious: float, switched: tuple[int, ...] = ()) -> FrameErrors:
    ids = [1 if iou >= 0.5 else None for iou in ious]
    return FrameErrors(list(ious), ids, dict.fromkeys(switched, 2))


def test_difference_counts_instances_that_are_followed_differently() -> None:
    a, b = errors(0.9, 0.1, 0.8), errors(0.9, 0.7, 0.8, switched=(2,))
    assert difference([a, b]) == 2
    assert difference([a, a]) == 0
    assert difference([a]) == 1, 'of one alone: its errors'
    assert difference([errors(), errors()]) == 0


def test_frames_in_which_methods_differ_most() -> None:
    same, one, two = errors(0.9, 0.9), errors(0.1, 0.9), errors(0.1, 0.1)
    a = [same] * 12
    b = [same, one, same, same, same, two, two, same, same, same, one, same]
    assert choose_frames([a, b], 1) == [5]
    # not 6 beside 5; 1 and 10 differ alike, and then nothing does: the first
    assert choose_frames([a, b], 3) == [1, 5, 10]
    assert choose_frames([a, b], 4) == [1, 5, 6, 10]
    assert choose_frames([a, b], 99) == list(range(12))


def test_of_equal_frames_the_one_whose_masks_differ_more() -> None:
    a = [errors(0.9), errors(0.9), errors(0.9)]
    b = [errors(0.8), errors(0.6), errors(0.7)]
    assert choose_frames([a, b], 1) == [1]
