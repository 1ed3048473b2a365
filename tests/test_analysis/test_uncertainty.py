"""Counting with predictions written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvist.analysis.diagrams import reliability_diagrams
from mmvist.analysis.uncertainty import Uncertainty, _hidden_of
from mmvist.engine.errors import UserError
from mmvist.evaluation.rle import encode_masks
from mmvist.evaluation.truth import TruthFrame, TruthVideo

LEFT, RIGHT = (0, 0, 4, 4), (4, 0, 8, 4)


def masks_of(boxes) -> torch.Tensor:
    masks = torch.zeros(len(boxes), 4, 8, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes):
        mask[y1:y2, x1:x2] = True
    return masks


def truth(*boxes, ids=(1, 2)) -> TruthFrame:
    rles = encode_masks(masks_of(boxes))
    return TruthFrame(1, 4, 8, [1] * len(boxes), list(ids[: len(boxes)]), rles)


def seen(*boxes, ids, kind=0, score=0.9, spread=(0.0, 0.0)) -> InstanceData:
    masks, count = masks_of(boxes), len(boxes)
    return InstanceData(
        bboxes=torch.tensor(boxes).float().view(-1, 4),
        scores=torch.full((count,), score),
        instances_id=torch.tensor(ids),
        kinds=torch.full((count,), kind),
        masks=masks,
        mask_probs=(masks * 0.75).half(),
        mask_variances=(masks * 0.1).half(),
        box_variances=torch.tensor(spread[:count])[:, None].expand(-1, 4),
    )


def test_identity_is_right_where_it_stays() -> None:
    found = Uncertainty()
    found.add(seen(LEFT, RIGHT, ids=[7, 8], kind=2), truth(LEFT, RIGHT))
    assert len(found.identity) == 0, 'a new instance was not there before'
    found.add(seen(LEFT, RIGHT, ids=[7, 8]), truth(LEFT, RIGHT))
    assert found.identity.right.sum() == 2
    # switched, then the one that follows the new one from there on is right again
    found.add(seen(LEFT, RIGHT, ids=[8, 7]), truth(LEFT, RIGHT))
    found.add(seen(LEFT, RIGHT, ids=[8, 7]), truth(LEFT, RIGHT))
    assert found.identity.right.sum() == 4 and len(found.identity) == 6
    assert found.identity.ece() == pytest.approx(0.9 - 4 / 6, abs=1e-6)
    # beside every instance: wrong, and so is what follows it
    found.add(seen(LEFT, ids=[8]), truth(RIGHT))
    found.add(seen(LEFT, ids=[8]), truth(LEFT))
    assert found.identity.right.sum() == 4 and len(found.identity) == 8
    found.start_video()
    found.add(seen(LEFT, ids=[8]), truth(LEFT))
    assert found.identity.right.sum() == 4


def test_a_recovered_instance_claims_an_identity_and_has_no_propagated_box() -> None:
    found, nothing = Uncertainty(), float('nan')
    for place in (LEFT, LEFT, RIGHT):
        one = seen(place, ids=[7], kind=2, spread=(nothing,))
        found.add(one, truth(LEFT, RIGHT), {1: 0.5, 2: 0.5})
    assert found.identity.right.sum() == 1 and len(found.identity) == 2
    assert found.boxes == []


def test_pixels_inside_the_box() -> None:
    found = Uncertainty()
    found.add(seen(LEFT, ids=[1]), truth((0, 0, 4, 3)))
    assert len(found.pixels) == 16 and found.pixels.right.sum() == 12
    assert found.pixels.ece() == 0
    found.add(seen(LEFT, ids=[1]), truth())
    assert len(found.pixels) == 32 and found.pixels.right.sum() == 12
    found.add(seen(ids=[]), truth(LEFT))
    assert len(found.pixels) == 32


def test_spread_and_what_is_hidden() -> None:
    found = Uncertainty()
    both = truth(LEFT, RIGHT)
    for first, second in ((0.1, 0.2), (0.3, 0.4)):
        found.add(
            seen(LEFT, RIGHT, ids=[1, 2], spread=(first, second)),
            both,
            {1: first / 2, 2: second / 2},
        )
    assert found.correlations()['box'] == found.correlations()['relative'] == 1
    assert np.isnan(found.correlations()['mask']), 'all alike'
    assert found.median_deviation() == pytest.approx(0.5)
    spread, area, blur, hidden = found.boxes[1]
    assert (spread, area, hidden) == (pytest.approx(0.2), 16, 0.1)
    assert blur == pytest.approx(0.1, abs=1e-3)
    assert np.isnan(Uncertainty().correlations()['box'])


def test_hidden_fractions_of_other_clips() -> None:
    video = TruthVideo(1, '0000', [truth(LEFT, RIGHT)])
    told = {'0000': [{'1001': 0.25, '1002': 0.5}]}
    assert _hidden_of(told, video) == {1: {1: 0.25, 2: 0.5}}
    for wrong in ({}, {'0000': [{'1001': 0.25}]}):
        with pytest.raises(UserError, match='is it of other clips'):
            _hidden_of(wrong, video)


def test_diagrams(tmp_path: Path) -> None:
    pytest.importorskip('matplotlib')
    found = Uncertainty()
    for _ in range(2):
        found.add(seen(LEFT, ids=[1]), truth(LEFT))
    reliability_diagrams({1: found, 4: found}, tmp_path / 'out.png')
    assert (tmp_path / 'out.png').read_bytes().startswith(b'\x89PNG')
    with pytest.raises(UserError, match='cannot be written'):
        reliability_diagrams({1: found}, tmp_path / 'no' / 'out.png')


def test_without_hidden_fractions_boxes_have_a_spread_all_the_same() -> None:
    found = Uncertainty()
    for spread in (0.1, 0.2, 0.4):
        found.add(seen(LEFT, ids=[1], spread=(spread,)), truth(LEFT))
    assert found.median_deviation() == pytest.approx(0.2**0.5)
    assert np.isnan(list(found.correlations().values())).all()
