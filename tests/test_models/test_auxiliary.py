import pytest
import torch

from mmvist.models import AuxiliaryHead

WIDTHS = (2, 3, 4, 5, 6)


@pytest.mark.parametrize('stem_stride', [1, 2])
@pytest.mark.parametrize('size', [(64, 96), (33, 47), (1, 1)])
def test_shapes(size, stem_stride):
    head = AuxiliaryHead(3, WIDTHS, stem_stride)
    z = torch.rand(2, 3, -(-size[0] // 32), -(-size[1] // 32))
    assert head(z, size).shape == (2, 3, *size)
    assert head(z).shape == (2, 3, 32 * z.shape[2], 32 * z.shape[3])


def test_loss_is_the_mean_over_unpadded_pixels_of_next_frames():
    head = AuxiliaryHead(3, WIDTHS, loss_weight=2.0)
    z = torch.rand(3, 3, 1, 2)
    frames = torch.randn(3, 3, 32, 64)
    has_next = torch.tensor([True, False, True])
    shapes = [(30, 50), (32, 64), (7, 64)]
    error = (head(z) - frames).square().detach()
    inside = torch.cat([error[0, :, :30, :50].flatten(), error[2, :, :7].flatten()])
    loss = head.loss(z, frames, has_next, shapes)['loss_aux']
    assert loss.item() == pytest.approx(2 * inside.mean().item(), rel=1e-5)


def test_loss_without_a_next_frame_is_zero_with_a_gradient():
    head = AuxiliaryHead(3, WIDTHS)
    frames = torch.randn(2, 3, 32, 32)
    loss = head.loss(
        torch.rand(2, 3, 1, 1), frames, torch.zeros(2, dtype=torch.bool), [(32, 32)] * 2
    )['loss_aux']
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in head.parameters())
