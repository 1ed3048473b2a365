"""Absences of objects, and recall by what can be seen of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmvist.datasets.errors import DataError
from mmvist.evaluation.absence import Absence, Followed, bin_of, load_hidden
from mmvist.evaluation.frame_errors import PredictedFrame, find_errors
from mmvist.evaluation.rle import Rle, encode_masks
from mmvist.evaluation.truth import TruthFrame, TruthVideo


def box(x: int, width: int = 6) -> Rle:
    mask = np.zeros((1, 20, 40), dtype=bool)
    mask[0, 5:15, x : x + width] = True
    return encode_masks(mask)[0]


def video(rows: list[dict[int, int]]) -> TruthVideo:
    """Of each frame instance to the column of its box; all are cars."""
    frames = []
    for t, row in enumerate(rows):
        frame = TruthFrame(t, 20, 40)
        for instance, x in row.items():
            frame.category_ids.append(1)
            frame.instance_ids.append(instance)
            frame.rles.append(box(x))
        frames.append(frame)
    return TruthVideo(0, 'a', frames)


def predicted(rows: list[dict[int, int]]) -> dict[int, PredictedFrame]:
    """Of each frame identity to the column of its box."""
    return {
        t: PredictedFrame(ids=list(row), rles=[box(x) for x in row.values()])
        for t, row in enumerate(rows)
    }


def followed(truth: list[dict[int, int]], found: list[dict[int, int]]) -> Followed:
    one, counts = video(truth), Followed()
    counts.add(one, find_errors(one.frames, predicted(found)))
    return counts


HIDDEN = [{1: 10}, {1: 12}, {}, {}, {1: 18}, {1: 20}]


@pytest.mark.parametrize(
    ('found', 'outcome'),
    [
        ([{7: 10}, {7: 12}, {}, {}, {7: 18}, {7: 20}], 'kept'),
        ([{7: 10}, {7: 12}, {}, {}, {}, {7: 20}], 'kept'),
        ([{7: 10}, {}, {7: 30}, {}, {7: 18}, {}], 'kept'),
        ([{7: 10}, {7: 12}, {}, {}, {8: 18}, {7: 20}], 'switched'),
        ([{7: 10}, {7: 12}, {}, {}, {}, {}], 'lost'),
        ([{6: 10}, {7: 12}, {}, {}, {6: 18}, {6: 20}], 'switched'),
    ],
)
def test_an_identity_behind_something(found: list, outcome: str) -> None:
    assert followed(HIDDEN, found).absences == [Absence(2, False, outcome)]


def test_what_was_never_found_has_no_identity_to_keep() -> None:
    found = [{}, {}, {}, {}, {7: 18}, {7: 20}]
    assert followed(HIDDEN, found).absences == []


def test_out_of_the_frame_and_back() -> None:
    truth = [{1: 2}, {1: 0}, {}, {1: 3}, {}, {}, {}, {1: 10}, {1: 11}]
    found = [{5: 2}, {5: 0}, {}, {5: 3}, {}, {}, {}, {6: 10}, {6: 11}]
    counts = followed(truth, found)
    assert counts.absences == [Absence(1, True, 'kept'), Absence(3, False, 'switched')]
    assert counts.kept(left=True, lengths=[1, 2, 3]) == (1, 1)
    assert counts.kept(left=False, lengths=[1, 2, 3]) == (0, 1)
    assert counts.kept(left=False, lengths=[1]) == (0, 0)


def test_each_instance_is_counted_by_what_is_hidden_of_it() -> None:
    one = video([{11: 10, 12: 30}, {11: 10, 12: 30}])
    found = predicted([{5: 10}, {6: 10, 7: 30}])
    counts = Followed()
    # instances count as they are first seen, in the order of the values
    hidden = [
        {'3007': 1.0, '2004': 0.6, '1009': 0.0},
        {'1009': 0.3, '2004': 0.99, '3007': 1.0},
    ]
    counts.add(one, find_errors(one.frames, found), hidden)
    assert dict(counts.shown) == {0: 1, 3: 1, 2: 1, 4: 1}
    assert [counts.found[i] for i in range(5)] == [1, 0, 1, 0, 1]
    assert [counts.switches[i] for i in range(5)] == [0, 0, 1, 0, 0]
    with pytest.raises(DataError, match='no instance 11 in frame 1'):
        Followed().add(one, find_errors(one.frames, found), hidden[:1] + [{}])
    assert [bin_of(f) for f in (0, 0.09, 0.1, 0.74, 0.75, 1)] == [0, 0, 1, 3, 4, 4]


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / 'hidden.json'
    with pytest.raises(DataError, match='hidden.json: cannot be read'):
        load_hidden(path)
    path.write_text(json.dumps({'0000': 3}))
    with pytest.raises(DataError, match='no list of hidden fractions'):
        load_hidden(path)
