"""Truth numbered like the prediction that follows it."""

import torch
from mmengine.structures import InstanceData

from mmvist.visualization import align_identities


def frame(**places: int) -> InstanceData:
    """Instances ``i<id>=column``: a bar of a 4 x 6 frame each."""
    masks = torch.zeros(len(places), 4, 6, dtype=torch.bool)
    for mask, column in zip(masks, places.values(), strict=True):
        mask[:, column] = True
    ids = [int(name[1:]) for name in places]
    return InstanceData(masks=masks, instances_id=torch.tensor(ids, dtype=torch.long))


def test_the_most_frequent_partner_gives_the_number() -> None:
    truth = [frame(i10=0, i20=3)] * 3
    predicted = [frame(i1=0, i2=3), frame(i1=0, i2=3), frame(i2=0, i1=3)]
    assert align_identities(truth, predicted) == {10: 1, 20: 2}


def test_a_prediction_is_the_partner_of_one_object_alone() -> None:
    """Id 1 jumps from one object to the other; id 2 starts late."""
    truth = [frame(i10=0, i20=3)] * 5
    predicted = [frame(i1=0)] * 3 + [frame(i1=3, i2=0)] * 2
    assert align_identities(truth, predicted) == {10: 2, 20: 1}


def test_truth_that_nothing_follows_takes_free_numbers() -> None:
    truth = [frame(i10=0, i20=2, i30=4)]
    assert align_identities(truth, [frame(i7=2)]) == {20: 7, 10: 8, 30: 9}
    assert align_identities(truth, [frame()]) == {10: 1, 20: 2, 30: 3}


def test_nothing_at_all() -> None:
    assert align_identities([], []) == {}
    assert align_identities([frame()], [frame(i1=1)]) == {}
