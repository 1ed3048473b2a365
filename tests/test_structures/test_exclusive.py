import torch
from mmengine.structures import InstanceData

from mmvist.structures.exclusive import (
    exclusive_instances,
    pack_masks,
    unpack_masks,
)


def instances(rows, ids, scores):
    """Masks of 1 x 6 pixels by their first and last column."""
    masks = torch.zeros(len(rows), 1, 6, dtype=torch.bool)
    for mask, (first, last) in zip(masks, rows):
        mask[0, first : last + 1] = True
    return InstanceData(
        instances_id=torch.tensor(ids, dtype=torch.long),
        scores=torch.tensor(scores, dtype=torch.float),
        labels=torch.arange(len(rows)),
        masks=masks,
    )


def test_the_best_score_has_identity_and_pixels():
    given = instances(
        [(0, 2), (1, 4), (3, 5), (2, 3)], [7, 8, 7, 9], [0.5, 0.9, 0.6, 1]
    )
    found = exclusive_instances(given)
    # 7 goes to the third, the fourth takes 2 and 3, the second 1 and 4
    assert found.labels.tolist() == [1, 2, 3]
    assert found.instances_id.tolist() == [8, 7, 9]
    assert found.masks[:, 0].int().tolist() == [
        [0, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
        [0, 0, 1, 1, 0, 0],
    ]
    assert given.masks.sum() == 3 + 4 + 3 + 2, 'what was given stays'


def test_what_has_no_pixel_left_is_gone():
    found = exclusive_instances(instances([(0, 3), (1, 2)], [1, 2], [0.9, 0.8]))
    assert found.instances_id.tolist() == [1]


def test_nothing_gives_nothing():
    found = exclusive_instances(instances([], [], []))
    assert len(found) == 0 and found.masks.shape == (0, 1, 6)


def test_packed_masks_come_back():
    masks = torch.rand(3, 5, 7) > 0.5
    assert torch.equal(unpack_masks(pack_masks(masks), (5, 7)), masks)
    assert unpack_masks(pack_masks(masks[:0]), (5, 7)).shape == (0, 5, 7)
