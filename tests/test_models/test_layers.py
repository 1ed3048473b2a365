import pytest
import torch

from mmvist.models.layers import ResidualBlock, SkipDecoder, SubpixelConv
from mmvist.models.roi_reach import Reach

ODD_SIZES = [(33, 47), (64, 96), (95, 31), (1, 1), (161, 2)]


def pyramid(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes at strides 4, 8, 16, 32 of layers that round up."""
    return [(-(-height // s), -(-width // s)) for s in (4, 8, 16, 32)]


def test_residual_block_starts_as_the_identity():
    x = torch.rand(2, 5, 3, 7)
    block = ResidualBlock(5)
    assert torch.equal(block(x), x)
    block.conv2.weight.data.normal_()
    assert not torch.equal(block(x), x)


def test_subpixel_conv_starts_as_nearest_neighbour():
    out = SubpixelConv(5, 3)(torch.randn(2, 5, 3, 4))
    assert out.shape == (2, 3, 6, 8)
    cells = out.unflatten(3, (4, 2)).unflatten(2, (3, 2))
    assert torch.equal(cells, cells[:, :, :, :1, :, :1].expand_as(cells))


@pytest.mark.parametrize('size', ODD_SIZES)
@pytest.mark.parametrize('skip_channels', [(2, 3, 4, 5), (0, 0, 0, 0)])
@pytest.mark.parametrize('kernel', [1, 3])
def test_skip_decoder_shapes(size, skip_channels, kernel):
    sizes = pyramid(*size)
    decoder = SkipDecoder(3, skip_channels, (4, 5, 6, 7), 8, skip_kernel=kernel)
    skips = [
        [torch.rand(2, channels, *one)] if channels else []
        for channels, one in zip(skip_channels, sizes)
    ]
    outs = decoder(torch.rand(2, 3, *sizes[-1]), skips, sizes)
    assert [tuple(out.shape) for out in outs] == [(2, 8, *one) for one in sizes]


@pytest.mark.parametrize('kernel', [1, 3])
def test_skip_decoder_reads_every_skip(kernel):
    sizes = pyramid(40, 70)
    decoder = SkipDecoder(3, (2, 3, 4, 5), (4, 5, 6, 7), 8, skip_kernel=kernel)
    skips = [
        torch.rand(1, channels, *one, requires_grad=True)
        for channels, one in zip((2, 3, 4, 5), sizes)
    ]
    z = torch.rand(1, 3, *sizes[-1], requires_grad=True)
    decoder(z, [[skip] for skip in skips], sizes)[0].sum().backward()
    assert all(float(x.grad.abs().max()) > 0 for x in (z, *skips))


@pytest.mark.parametrize('kernel', [1, 3])
@pytest.mark.parametrize('frames', [1, 2])
@torch.no_grad()
def test_maps_that_join_may_come_apart_and_in_any_layout(kernel, frames):
    torch.manual_seed(0)
    sizes = pyramid(40, 70)
    decoder = SkipDecoder(3, (7,) * 4, (4, 5, 6, 7), 8, skip_kernel=kernel)
    z = torch.rand(2, 3, *sizes[-1])
    whole = [torch.rand(frames, 7, *size) for size in sizes]
    inner = dict(memory_format=torch.channels_last)
    apart = [[one[:, :3].contiguous(**inner), one[:, 3:]] for one in whole]
    found = decoder(z, apart, sizes)
    for one, other in zip(decoder(z, [[one] for one in whole], sizes), found):
        assert torch.allclose(one, other, atol=1e-5)


def test_skip_decoder_wants_four_numbers():
    with pytest.raises(ValueError, match='strides'):
        SkipDecoder(3, (2, 3, 4), (4, 5, 6, 7), 8)


def test_skip_decoder_knows_two_kernels():
    with pytest.raises(ValueError, match='skip_kernel is 1 or 3, got 5'):
        SkipDecoder(3, (2, 3, 4, 5), (4, 5, 6, 7), 8, skip_kernel=5)


def test_without_the_last_step_maps_are_as_wide_as_the_decoder():
    decoder, sizes = SkipDecoder(3, (0,) * 4, (4, 5, 6, 7), None), pyramid(64, 96)
    z, none = torch.rand(1, 3, 2, 3), [[]] * 4
    for reach in (None, Reach((2, 3, 9, 11), frozenset({0, 2}))):
        outs = decoder(z, none, sizes, reach)
        assert [out.shape[1] for out in outs] == [4, 5, 6, 7]
