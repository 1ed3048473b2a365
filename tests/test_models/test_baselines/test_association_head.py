"""The batch-hard triplet loss against loops."""

import pytest
import torch
from torch import Tensor

from mmvist.models.baselines.track_rcnn import AssociationHead
from mmvist.models.baselines.track_rcnn.association_head import batch_hard_triplets


def by_loops(vectors: Tensor, ids: list, groups: list, margin: float) -> list[Tensor]:
    terms = []
    for a in range(len(ids)):
        same, other = [], []
        for b in range(len(ids)):
            if groups[a] == groups[b]:
                distance = (vectors[a] - vectors[b]).square().sum().sqrt()
                (same if ids[a] == ids[b] else other).append(distance)
        if other:
            terms.append((max(same) - min(other) + margin).clamp(min=0))
        else:
            terms.append(vectors.new_zeros(()))
    return terms


@pytest.mark.parametrize('seed', range(8))
def test_against_loops(seed):
    generator = torch.Generator().manual_seed(seed)
    count = 30
    vectors = torch.randn(count, 4, generator=generator).double() * 0.3
    ids = torch.randint(1, 6, (count,), generator=generator)
    groups = torch.randint(0, 4, (count,), generator=generator)
    found = batch_hard_triplets(vectors, ids, groups, 0.2)
    expected = torch.stack(by_loops(vectors, ids.tolist(), groups.tolist(), 0.2))
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)
    assert 0 < (found > 0).sum() < count, 'terms of both kinds'


def test_by_hand():
    """On a line; the third has no other identity in its class."""
    vectors = torch.tensor([[0.0], [0.1], [5.0], [0.15]])
    ids, groups = torch.tensor([1, 1, 3, 2]), torch.tensor([0, 0, 1, 0])
    terms = batch_hard_triplets(vectors, ids, groups, margin=0.2)
    torch.testing.assert_close(terms, torch.tensor([0.15, 0.25, 0.0, 0.15]))
    head = AssociationHead(1, 1, margin=0.2, loss_weight=0.5)
    loss = head.loss(vectors, ids, groups, num_rois=10)
    torch.testing.assert_close(loss, torch.tensor(0.5 * 0.55 / 10))


def test_the_gradient_is_finite_where_vectors_coincide():
    vectors = torch.zeros(4, 3, requires_grad=True)
    ids = torch.tensor([1, 1, 2, 3])
    batch_hard_triplets(vectors, ids, torch.zeros(4), 0.2).sum().backward()
    assert torch.isfinite(vectors.grad).all()


def test_half_precision_keeps_the_distances():
    head, ids = AssociationHead(3, 4), torch.tensor([1, 1, 2])
    with torch.autocast('cpu', torch.bfloat16):
        vectors = head(torch.randn(3, 3))
        terms = batch_hard_triplets(vectors, ids, torch.zeros(3), 0.2)
    assert vectors.dtype == torch.bfloat16 and terms.dtype == torch.float32
    expected = batch_hard_triplets(vectors.float(), ids, torch.zeros(3), 0.2)
    assert torch.equal(terms, expected)


def test_no_foreground():
    head = AssociationHead(2, 3)
    none = torch.zeros(0, dtype=torch.long)
    loss = head.loss(head(torch.zeros(0, 2)), none, none, num_rois=0)
    loss.backward()
    assert loss == 0 and head.fc.weight.grad is not None


def test_descent_pulls_identities_apart():
    torch.manual_seed(0)
    vectors = torch.randn(12, 4, requires_grad=True)
    ids, groups = torch.arange(12) % 3, torch.zeros(12)
    optimizer = torch.optim.Adam([vectors], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = batch_hard_triplets(vectors, ids, groups, 0.2).mean()
        loss.backward()
        optimizer.step()
    distances = torch.cdist(vectors, vectors)
    same = ids[:, None] == ids[None]
    assert loss < 0.01
    assert distances[same].max() < distances[~same].min()
