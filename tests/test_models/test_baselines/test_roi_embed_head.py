"""The embedding and the loss of MaskTrack R-CNN beside MMDetection's."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmdet.models.tracking_heads import RoIEmbedHead as PortedHead

from mmvist.models import RoIEmbedHead

SHAPE = dict(num_fcs=2, roi_feat_size=2, in_channels=3, fc_out_channels=5)


def pair(**options):
    """Ours and the port's head with the same weights."""
    ours, theirs = RoIEmbedHead(**SHAPE, **options), PortedHead(**SHAPE)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def sampled(*assigned, negatives=0):
    """Positive RoIs by the row of their object, then negative ones."""
    count = len(assigned) + negatives
    return SimpleNamespace(
        pos_assigned_gt_inds=torch.tensor(assigned, dtype=torch.long),
        bboxes=torch.zeros(count, 4),
        pos_bboxes=torch.zeros(len(assigned), 4),
    )


def test_only_the_last_layer_lacks_its_relu():
    ours, theirs = pair()
    x = torch.randn(6, 3, 2, 2)
    mine, other = ours.extract_feat(x, [2, 4]), theirs.extract_feat(x, [2, 4])
    assert [len(one) for one in mine] == [2, 4]
    assert torch.cat(mine).min() < 0
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a.clamp(min=0), b)
    as_ported = pair(last_relu=True)
    x = torch.randn(6, 3, 2, 2)
    for a, b in zip(*(head.extract_feat(x, [2, 4]) for head in as_ported), strict=True):
        assert torch.equal(a, b)


def test_something_new_can_win_by_appearance():
    """Two that look opposite: their dot product is under the 0 of "new"."""
    head = RoIEmbedHead(**SHAPE)
    for layer in head.fcs:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    for k in (0, 1):
        head.fcs[0].weight.data[k, k] = 1
    head.fcs[1].weight.data[0, :2] = torch.tensor([1.0, -1.0])
    one, other = torch.zeros(2, 1, 3, 2, 2)
    one[0, 0, 0, 0], other[0, 0, 0, 1] = 2, 3
    assert head.predict(one, other)[0].tolist() == [[0, -6]]


# one image: of three positive RoIs two are of the object with id 4, which the
# reference shows, one is of id 9, which it does not; all logits are 0
IDS, REF_IDS = [torch.tensor([4, 9])], [torch.tensor([8, 4])]


@pytest.mark.parametrize(
    ('normalizer', 'expected'),
    [('positives', math.log(3)), ('matched', 3 * math.log(3) / 2)],
)
def test_what_the_loss_is_divided_by(normalizer, expected):
    head = RoIEmbedHead(**SHAPE, normalizer=normalizer)
    x, ref = torch.zeros(5, 5), torch.zeros(2, 5)
    losses = head.loss_by_feat(
        (x,), (ref,), [sampled(0, 0, 1, negatives=2)], IDS, REF_IDS
    )
    assert losses['loss_match'].item() == pytest.approx(expected)


def test_matched_is_the_ports_loss_over_a_batch():
    ours, theirs = pair(normalizer='matched', last_relu=True)
    x, ref = torch.rand(6, 5), torch.rand(4, 5)
    given = (
        x.split([4, 2]),
        ref.split([3, 1]),
        [sampled(0, 1, negatives=2), sampled(negatives=2)],
        [torch.tensor([3, 5]), torch.tensor([], dtype=torch.long)],
        [torch.tensor([5, 6, 7]), torch.tensor([1])],
    )
    mine, other = ours.loss_by_feat(*given), theirs.loss_by_feat(*given)
    assert mine.keys() == other.keys() and mine['loss_match'] > 0
    torch.testing.assert_close(mine['loss_match'], other['loss_match'])


def test_a_reference_without_objects_costs_nothing():
    head = RoIEmbedHead(**SHAPE)
    found = head.loss(
        torch.rand(3, 3, 2, 2),
        torch.rand(0, 3, 2, 2),
        [3],
        [0],
        [sampled(0, negatives=2)],
        [torch.tensor([4])],
        [torch.tensor([], dtype=torch.long)],
    )
    assert found['loss_match'] == 0


def test_another_normalizer():
    with pytest.raises(ValueError, match="'positives' or 'matched'"):
        RoIEmbedHead(**SHAPE, normalizer='all')
