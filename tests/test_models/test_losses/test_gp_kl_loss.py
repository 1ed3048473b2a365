import copy
import math

import pytest
import torch
from mmengine.model import BaseModel
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from mmvist.distributions import GroupedNormal
from mmvist.models.losses import GPKLLoss
from mmvist.registry import MODELS


def latent(
    channels: int = 3, positions: int = 8, batch: int = 4, dtype=torch.float32
) -> GroupedNormal:
    """One group per channel, whose positions are the members, as in VAE-VIST."""
    torch.manual_seed(0)
    variables = channels * positions
    return GroupedNormal(
        torch.randn(batch, variables, dtype=dtype).requires_grad_(),
        (torch.rand(batch, variables, dtype=dtype) + 0.5).requires_grad_(),
        (0.5 * torch.rand(batch, channels, dtype=dtype)).requires_grad_(),
        positions,
    )


def test_is_registered_with_the_defaults_of_the_design() -> None:
    loss = MODELS.build(dict(type='mmvist.GPKLLoss'))
    assert isinstance(loss, GPKLLoss)
    assert (loss.prior_rho, loss.loss_weight, loss.warmup_iters) == (0, 0.01, 0)
    assert not list(loss.parameters())
    assert 'prior_rho=0' in repr(loss)


def test_value_by_hand() -> None:
    """Two pairs: KL = 0.5 (sum of mu^2 + sigma^2 - 1 - log sigma^2 - log det R)."""
    q = GroupedNormal(
        torch.tensor([[1.0, 0.0, 0.0, 2.0]]),
        torch.tensor([[1.0, 1.0, 2.0, 1.0]]),
        torch.tensor([[0.6, 0.0]]),
        2,
    )
    kl = 0.5 * (1 + 4 + 3 - math.log(4) - math.log(0.4 * 1.6))
    literal = GPKLLoss(loss_weight=1, reduction='sum')
    assert literal(q).item() == pytest.approx(kl, rel=1e-6)
    assert GPKLLoss()(q).item() == pytest.approx(0.01 * kl / 4, rel=1e-6)


def test_prior_of_zero_is_n_0_1() -> None:
    q = latent(dtype=torch.float64)
    standard = Independent(Normal(torch.zeros_like(q.loc), torch.ones_like(q.loc)), 1)
    expected = (kl_divergence(q, standard) / 24).mean()
    torch.testing.assert_close(GPKLLoss(loss_weight=1)(q), expected)


@pytest.mark.parametrize('rho', [0.3, -0.1])
def test_correlated_prior(rho: float) -> None:
    q = latent(dtype=torch.float64)
    prior = GroupedNormal(
        torch.zeros(24).double(),
        torch.ones(24).double(),
        torch.full((3,), rho).double(),
        8,
    )
    loss = GPKLLoss(prior_rho=rho, loss_weight=1)
    torch.testing.assert_close(loss(q), kl_divergence(q, prior).mean() / 24)
    assert loss.prior_correlation(q).tolist() == pytest.approx([rho] * 3)


def test_learned_prior_serves_every_group_size_and_learns() -> None:
    loss = GPKLLoss(prior_rho='learned', loss_weight=1)
    assert [name for name, _ in loss.named_parameters()] == ['prior_logit']
    for positions in (1, 2, 8, 64, 1000):
        q = latent(positions=positions)
        assert loss(q).isfinite()
        assert (loss.prior_correlation(q) < 1).all()
    assert loss.prior_correlation(latent(positions=64))[0].item() == pytest.approx(0.1)
    # a posterior with rho = 0.6 everywhere draws the prior's rho to 0.6
    q = GroupedNormal(torch.zeros(24), torch.ones(24), torch.full((3,), 0.6), 8)
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        loss(q).backward()
        optimizer.step()
    assert loss.prior_correlation(q)[0].item() == pytest.approx(0.6, abs=0.01)
    assert loss(q).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(('prior_rho', 'settled'), [(0, 0.0), (0.3, 0.3)])
def test_gradients_reach_the_posterior(prior_rho: float, settled: float) -> None:
    """The posterior's rho falls towards the prior's."""
    q = latent()
    loss = GPKLLoss(prior_rho=prior_rho)
    gradients = torch.autograd.grad(loss(q), [q.loc, q.scale, q.rho])
    assert all(g.isfinite().all() and g.abs().sum() > 0 for g in gradients)
    centred = GroupedNormal(torch.zeros(24), torch.ones(24), q.rho, 8)
    (slope,) = torch.autograd.grad(loss(centred), q.rho)
    assert torch.equal(slope > 0, q.rho > settled)


def test_warm_up_counts_training_calls_only() -> None:
    q = latent()
    full = GPKLLoss()(q).item()
    loss = GPKLLoss(warmup_iters=4)
    shares = []
    for _ in range(6):
        shares.append(loss.train()(q).item() / full)
        held = loss.eval()(q).item() / full
        assert held == pytest.approx(shares[-1])
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert loss.num_calls.item() == 6


def test_warm_up_resumes_where_it_stopped() -> None:
    q = latent()
    loss = GPKLLoss(prior_rho='learned', warmup_iters=5)
    for _ in range(2):
        loss(q)
    resumed = GPKLLoss(prior_rho='learned', warmup_iters=5)
    resumed.load_state_dict(loss.state_dict(), strict=True)
    twin = copy.deepcopy(loss)
    for _ in range(4):
        expected = loss(q)
        assert torch.equal(resumed(q), expected) and torch.equal(twin(q), expected)


def test_batches_of_any_shape_and_none() -> None:
    q = latent()
    single = GroupedNormal(q.loc[0], q.scale[0], q.rho[0], 8)
    one = GroupedNormal(q.loc[:1], q.scale[:1], q.rho[:1], 8)
    torch.testing.assert_close(GPKLLoss()(single), GPKLLoss()(one))
    empty = GroupedNormal(q.loc[:0], q.scale[:0], q.rho[:0], 8)
    loss = GPKLLoss()(empty)
    assert loss.item() == 0
    loss.backward()


def test_unequal_groups() -> None:
    q = latent()
    sizes = [5, 1, 18]
    unequal = GroupedNormal(q.loc, q.scale, q.rho, sizes)
    for prior_rho in (0, 0.2, 'learned'):
        assert GPKLLoss(prior_rho=prior_rho)(unequal).isfinite()


def test_autocast_stays_in_float32() -> None:
    q = latent()
    for prior_rho in (0, 0.2, 'learned'):
        loss = GPKLLoss(prior_rho=prior_rho, warmup_iters=2)
        with torch.autocast('cpu', torch.bfloat16):
            inside = loss.eval()(q)
        assert inside.dtype == torch.float32
        torch.testing.assert_close(inside, loss(q), rtol=0, atol=0)


class TinyVAE(BaseModel):
    """A model of plain MMEngine, without anything of MMDetection."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Linear(5, 8 + 8 + 2)
        self.decoder = torch.nn.Linear(8, 5)
        self.loss_kl = MODELS.build(
            dict(type='mmvist.GPKLLoss', prior_rho='learned', loss_weight=0.1)
        )

    def forward(self, inputs: Tensor, mode: str = 'loss') -> dict[str, Tensor]:
        loc, log_scale, rho = self.encoder(inputs).split([8, 8, 2], -1)
        q = GroupedNormal(loc, log_scale.exp(), 0.9 * rho.sigmoid(), 4)
        error = (self.decoder(q.rsample()) - inputs).square().mean()
        return {'loss_rec': error, 'loss_kl': self.loss_kl(q)}


def test_trains_in_a_plain_mmengine_model() -> None:
    torch.manual_seed(0)
    model, inputs = TinyVAE(), torch.randn(64, 2) @ torch.randn(2, 5)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = model(inputs)
    for _ in range(200):
        loss, log_vars = model.parse_losses(model(inputs))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert set(log_vars) == {'loss', 'loss_rec', 'loss_kl'}
    assert log_vars['loss_rec'] < 0.5 * first['loss_rec']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(prior_rho='learnt'), "prior_rho must be .* got 'learnt'"),
        (dict(prior_rho=1.0), 'prior_rho must be .* got 1.0'),
        (dict(prior_rho=None), 'prior_rho must be .* got None'),
        (dict(reduction='mean'), "reduction must be .* got 'mean'"),
        (dict(warmup_iters=-1), 'warmup_iters must not be negative, got -1'),
    ],
)
def test_errors_at_build(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GPKLLoss(**options)


def test_errors_at_call() -> None:
    with pytest.raises(ValueError, match=r'prior_rho=-0.2 is not above .* d=8'):
        GPKLLoss(prior_rho=-0.2)(latent())
    with pytest.raises(TypeError, match='takes a GroupedNormal, got Tensor'):
        GPKLLoss()(torch.zeros(3))
