import pytest
import torch

from mmvist.models.layers import ResidualBlock, SkipDecoder, SubpixelConv

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
        torch.rand(2, channels, *one) if channels else None
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
    decoder(z, skips, sizes)[0].sum().backward()
    assert all(float(x.grad.abs().max()) > 0 for x in (z, *skips))


def test_skip_decoder_wants_four_numbers():
    with pytest.raises(ValueError, match='strides'):
        SkipDecoder(3, (2, 3, 4), (4, 5, 6, 7), 8)


def test_skip_decoder_knows_two_kernels():
    for name in ('skip_kernel', 'out_kernel'):
        with pytest.raises(ValueError, match=f'{name} is 1 or 3, got 5'):
            SkipDecoder(3, (2, 3, 4, 5), (4, 5, 6, 7), 8, **{name: 5})


def test_a_narrow_last_convolution_widens_each_cell_alone():
    torch.manual_seed(0)
    decoder = SkipDecoder(3, (2, 0, 0, 0), (4, 5, 6, 7), 8, out_kernel=1)
    z, sizes = torch.rand(1, 3, 2, 3), [(16, 24), (8, 12), (4, 6), (2, 3)]
    skip = torch.rand(1, 2, 16, 24)
    moved = skip.clone()
    moved[..., 8, 12] += 1
    with torch.no_grad():
        outs, others = (decoder(z, [s, None, None, None], sizes) for s in (skip, moved))
    assert [out.shape for out in outs] == [(1, 8, *size) for size in sizes]
    rows = (outs[0] != others[0]).any(dim=1).any(dim=2)[0].nonzero().flatten().tolist()
    # the join reads one cell around it, the block, which begins as the identity, none
    assert rows == [7, 8, 9]
