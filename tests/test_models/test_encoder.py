import pytest
import torch

from mmvist.models import FeatureEncoder, VideoEncoder

WIDTHS = (2, 3, 4, 5, 6)


def encode(size=(33, 47), batch=2, **options):
    encoder = VideoEncoder(widths=WIDTHS, latent_channels=3, **options)
    frames = torch.randn(2, batch, 3, *size)
    return encoder, encoder(*frames, torch.rand(batch, 1, *size))


@pytest.mark.parametrize('stem_stride', [1, 2])
@pytest.mark.parametrize('size', [(64, 96), (33, 47), (95, 31), (1, 1)])
def test_shapes(size, stem_stride):
    _, encoding = encode(size, stem_stride=stem_stride)
    height, width = size
    strides = (stem_stride, 2, 4, 8, 16)
    for features, channels, stride in zip(encoding.phi, WIDTHS, strides, strict=True):
        expected = (2, channels, -(-height // stride), -(-width // stride))
        assert tuple(features.shape) == expected
    small = (-(-height // 32), -(-width // 32))
    assert encoding.bottleneck.shape == (2, 6, *small)
    assert encoding.mean.shape == encoding.sample().shape == (2, 3, *small)
    assert [skip.shape[1] for skip in encoding.skips] == [4, 5, 6, 6]
    variables = 3 * small[0] * small[1]
    assert encoding.posterior.loc.shape == (2, variables)


@pytest.mark.parametrize(
    'groups, count',
    [('channel', 3), ('position', 6), ((2, 2), 3 * 2), ((1, 2), 3 * 4)],
    ids=str,
)
def test_groups(groups, count):
    """A latent map of 3 x 2 x 3."""
    encoder, encoding = encode((50, 90), groups=groups)
    rho = encoding.posterior.rho
    assert rho.shape == (2, count)
    if groups == (1, 2):  # a window of one position at the border
        sizes = torch.tensor(encoding.posterior.groups.sizes)
        rho = rho[:, sizes > 1]
    torch.testing.assert_close(rho, torch.full_like(rho, 0.1), atol=0.02, rtol=0)
    encoding.sample().square().sum().backward()
    assert float(encoder.rho_head.bias.grad.abs().sum()) > 0


def test_posterior_and_mean_agree():
    _, encoding = encode(groups=(2, 2))
    loc = encoding.layout.to_map(encoding.posterior.loc)
    torch.testing.assert_close(loc, encoding.mean)
    scale = encoding.posterior.scale
    torch.testing.assert_close(scale, torch.full_like(scale, 0.223), atol=0.05, rtol=0)


def test_sample_has_the_moments_of_the_posterior():
    _, encoding = encode(batch=1)
    draws = torch.stack([encoding.sample() for _ in range(1000)]).detach()
    scale = encoding.layout.to_map(encoding.posterior.scale).detach()
    torch.testing.assert_close(draws.mean(0), encoding.mean.detach(), atol=0.04, rtol=0)
    torch.testing.assert_close(draws.std(0), scale, atol=0.03, rtol=0)


def test_draws_have_the_covariance_of_the_posterior():
    encoder = VideoEncoder(widths=WIDTHS, latent_channels=3)
    torch.nn.init.constant_(encoder.rho_head.bias, 2.0)
    image = torch.randn(1, 3, 50, 90)
    encoding = encoder(image, image, torch.rand(1, 1, 50, 90))
    drawn = encoding.layout.to_vector(encoding.draw(20_000, seed=1)).detach()
    truth = encoding.posterior.covariance_matrix[0].detach()
    scale = truth.diagonal().sqrt()
    product = scale * scale[:, None]
    # five standard deviations of what 20,000 draws tell
    assert ((drawn.T.cov() - truth).abs() < 5 * (2 / 20_000) ** 0.5 * product).all()
    assert (truth / product).fill_diagonal_(0).max() > 0.3, 'a test of nothing'


def test_without_correlation_rho_is_zero_and_has_no_head():
    encoder, encoding = encode(with_corr=False)
    assert not hasattr(encoder, 'rho_head')
    assert not encoding.posterior.rho.any()


def test_without_variational_inference_z_is_the_mean():
    encoder, encoding = encode(variational=False)
    assert encoding.posterior is None
    assert encoding.sample() is encoding.mean
    names = {name.split('.')[0] for name, _ in encoder.named_parameters()}
    assert not names & {'log_var_head', 'rho_head'}


def test_every_input_reaches_the_latent():
    encoder = VideoEncoder(widths=WIDTHS, latent_channels=3)
    inputs = [
        torch.rand(1, channels, 33, 47, requires_grad=True) for channels in (3, 3, 1)
    ]
    encoder(*inputs).mean.abs().sum().backward()
    assert all(float(x.grad.abs().max()) > 0 for x in inputs)


def test_variance_stays_finite():
    encoder, _ = encode()
    torch.nn.init.constant_(encoder.log_var_head.bias, 1e4)
    frame = torch.randn(1, 3, 32, 32)
    scale = encoder(frame, frame, frame[:, :1]).posterior.scale
    assert scale.max().item() == pytest.approx(2.718281828**5, rel=1e-4)


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(widths=(1, 2, 3, 4)), 'five'),
        (dict(stem_stride=4), 'stem_stride is 1 or 2'),
        (dict(init_rho=-0.1), 'init_rho'),
        (dict(init_rho=1.0), 'init_rho'),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        VideoEncoder(**options)


@pytest.mark.parametrize('with_corr', [True, False])
def test_the_heads_alone_on_a_map_of_another_network(with_corr):
    encoder = FeatureEncoder(5, latent_channels=3, groups=(2, 2), with_corr=with_corr)
    feature = torch.randn(2, 5, 3, 4, requires_grad=True)
    encoding = encoder(feature)
    assert encoding.mean.shape == encoding.sample().shape == (2, 3, 3, 4)
    assert encoding.phi == () and encoding.bottleneck is feature
    rho = encoding.posterior.rho
    assert rho.shape == (2, 3 * 4)
    torch.testing.assert_close(
        rho[:, 0], torch.full((2,), 0.1 * with_corr), atol=0.02, rtol=0
    )
    encoding.sample().square().sum().backward()
    assert feature.grad.any()
