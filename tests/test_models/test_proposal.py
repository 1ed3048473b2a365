import pytest
import torch

from mmvist.models import ProposalHead

CHANNELS = (2, 3, 4, 5)


def head_and_input(size=(50, 77), **options):
    head = ProposalHead(
        latent_channels=3,
        skip_channels=CHANNELS,
        widths=(4, 5, 6, 7),
        out_channels=8,
        fc_channels=9,
        **options,
    )
    sizes = [(-(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32)]
    skips = [torch.rand(2, c, *one) for c, one in zip(CHANNELS, sizes)]
    return head, torch.rand(2, 3, *sizes[-1]), skips


@pytest.mark.parametrize('size', [(64, 96), (33, 47), (95, 31)])
def test_one_row_for_each_box_in_order(size):
    head, z, skips = head_and_input(size)
    boxes = [torch.tensor([[1.0, 2, 20, 30], [5, 5, 25, 28]]), torch.rand(3, 4) * 4]
    boxes[1][:, 2:] += 8
    deltas = head(z, skips, boxes)
    assert deltas.shape == (5, 4)
    alone = head(z[1:], [skip[1:] for skip in skips], boxes[1:])
    torch.testing.assert_close(deltas[2:], alone, atol=1e-5, rtol=1e-4)


def test_small_deltas_leave_a_box_where_it_is():
    head, _, _ = head_and_input()
    boxes = torch.tensor([[1.0, 2, 20, 30]])
    same = head.decode(torch.zeros(1, 4), boxes, (50, 77))
    torch.testing.assert_close(same, boxes)
    clipped = head.decode(torch.tensor([[50.0, 0, 0, 0]]), boxes, (50, 60))
    assert clipped[0, 2] == 60


def test_loss_is_smooth_l1_of_the_visible():
    head, _, _ = head_and_input()
    boxes = torch.tensor([[0.0, 0, 10, 20], [0, 0, 10, 20]])
    targets = torch.tensor([[1.0, 0, 11, 20], [0, 0, 0, 0]])
    deltas = torch.tensor([[0.6, 0, 0, 0], [9, 9, 9, 9]])
    visible = torch.tensor([True, False])
    loss = head.loss(deltas, boxes, targets, visible)['loss_proposal']
    # a shift by a tenth of the width is 1 after the division by 0.1
    assert loss.item() == pytest.approx(0.5 * 0.4**2)


@pytest.mark.parametrize('count', [0, 2])
def test_nothing_visible_gives_every_weight_a_gradient_of_zero(count):
    """Data-parallel training waits for a gradient of every parameter."""
    head, z, skips = head_and_input()
    boxes = [torch.tensor([[1.0, 2, 20, 30]])] * count or [torch.zeros(0, 4)] * 2
    deltas = head(z, skips, boxes)
    loss = head.loss(
        deltas, torch.cat(boxes), torch.cat(boxes), torch.zeros(count, dtype=torch.bool)
    )['loss_proposal']
    loss.backward()
    assert loss.item() == 0
    missing = [name for name, p in head.named_parameters() if p.grad is None]
    assert not missing
    assert not any(p.grad.any() for p in head.parameters())


def test_without_skips_they_change_nothing():
    head, z, skips = head_and_input(with_skip=False)
    boxes = [torch.tensor([[1.0, 2, 20, 30]])] * 2
    torch.nn.init.normal_(head.fc_reg.weight)
    others = [skip + 1 for skip in skips]
    assert torch.equal(head(z, skips, boxes), head(z, others, boxes))
    head, z, skips = head_and_input()
    torch.nn.init.normal_(head.fc_reg.weight)
    assert not torch.equal(head(z, skips, boxes), head(z, others, boxes))


def test_context_widens_the_region_that_is_read():
    """A change outside the box is seen by a head with context alone."""
    boxes = [torch.tensor([[32.0, 32, 48, 48]])]
    for context, seen in ((1.0, False), (3.0, True)):
        head, _, _ = head_and_input(roi_context=context)
        features = [torch.zeros(1, 8, 160 // s, 160 // s) for s in (4, 8, 16, 32)]
        changed = [one.clone() for one in features]
        changed[0][..., 5:7, :] = 1  # rows 20 to 28
        head.decoder.forward = lambda *_, maps=features: maps
        torch.nn.init.normal_(head.fc_reg.weight)
        skips = [torch.zeros(1, 1, 1, 1)] * 4
        before = head(torch.zeros(1, 3, 5, 5), skips, boxes)
        head.decoder.forward = lambda *_, maps=changed: maps
        after = head(torch.zeros(1, 3, 5, 5), skips, boxes)
        assert torch.equal(before, after) != seen
