"""The scale of each box: its loss, its variance in pixels, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmengine.config import Config
from tiny_vist import (
    CONFIGS,
    lively_model,
    test_data,
    tiny_model,
    toy_video,
    train_data,
)

from mmvist.models import ProposalHead
from mmvist.models.box_likelihood import BoxLikelihood
from mmvist.registry import MODELS

STDS = (0.1, 0.1, 0.2, 0.2)
VARIANCE = dict(proposal_head=dict(with_variance=True))


def coder() -> DeltaXYWHBBoxCoder:
    return DeltaXYWHBBoxCoder(target_stds=STDS)


def narrow_head(**options) -> ProposalHead:
    return ProposalHead(
        latent_channels=3,
        skip_channels=(2, 3, 4, 5),
        widths=(4, 5, 6, 7),
        out_channels=8,
        fc_channels=9,
        **options,
    )


def read(head: ProposalHead, boxes: list[torch.Tensor]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    sizes = [(13, 20), (7, 10), (4, 5), (2, 3)]
    skips = [
        torch.rand(2, c, *size, generator=generator)
        for c, size in zip((2, 3, 4, 5), sizes)
    ]
    return head(torch.rand(2, 3, 2, 3, generator=generator), skips, boxes)


def test_loss_is_the_likelihood_of_a_laplace_distribution() -> None:
    torch.manual_seed(0)
    log_scales, deltas, targets = torch.randn(3, 5, 4)
    loss = BoxLikelihood(2, coder()).loss(log_scales, deltas, targets)
    loss = loss / BoxLikelihood.LOSS_WEIGHT
    dense = torch.distributions.Laplace(deltas.double(), log_scales.double().exp())
    expected = -(dense.log_prob(targets.double()) + torch.log(torch.tensor(2.0)))
    assert loss.item() == pytest.approx(expected.sum(dim=1).mean().item(), rel=1e-5)


def test_variance_is_that_of_drawn_boxes() -> None:
    """200,000 draws of the deltas, decoded by the coder itself."""
    torch.manual_seed(0)
    count = 200_000
    box = torch.tensor([[10.0, 20, 50, 120]])
    deltas = torch.tensor([[0.5, -1.0, 1.0, 0.5]])
    log_scales = torch.tensor([[0.2, -0.5, -1.5, -1.8]])
    drawn = torch.distributions.Laplace(deltas, log_scales.exp()).sample((count,))
    boxes = coder().decode(box.expand(count, 4), drawn[:, 0])
    proposal = coder().decode(box, deltas)
    told = BoxLikelihood(2, coder()).variance(log_scales, box, proposal)
    torch.testing.assert_close(told, boxes.var(dim=0)[None], rtol=0.03, atol=0)


def test_fitted_scales_are_the_mean_absolute_errors() -> None:
    torch.manual_seed(0)
    likelihood = BoxLikelihood(1, coder())
    errors = torch.randn(400, 4) * torch.tensor([0.1, 0.5, 1.0, 3.0])
    optimizer = torch.optim.Adam(likelihood.parameters(), 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        log_scales = likelihood(torch.ones(400, 1))
        likelihood.loss(log_scales, torch.zeros(400, 4), errors).backward()
        optimizer.step()
    found = likelihood(torch.ones(1, 1))[0].exp()
    torch.testing.assert_close(found, errors.abs().mean(dim=0), rtol=0.02, atol=0)


def test_boxes_and_their_gradients_are_those_without_it() -> None:
    torch.manual_seed(1)
    head = narrow_head(with_variance=True)
    torch.nn.init.normal_(head.likelihood.fc_scale.weight)
    plain = narrow_head()
    shared = {k: v for k, v in head.state_dict().items() if 'likelihood' not in k}
    plain.load_state_dict(shared)
    boxes = [torch.tensor([[1.0, 2, 20, 30], [5, 5, 25, 28]]), torch.ones(1, 4) * 9]
    boxes[1][:, 2:] += 12
    flat, visible = torch.cat(boxes), torch.tensor([True, False, True])
    gradients, deltas = [], []
    for one in (head, plain):
        deltas.append(read(one, boxes))
        sum(one.loss(deltas[-1], flat, flat + 2, visible).values()).backward()
        gradients.append({k: p.grad for k, p in one.named_parameters()})
    assert deltas[0].shape == (3, 8) and deltas[1].shape == (3, 4)
    assert torch.equal(deltas[0][:, :4], deltas[1])
    assert torch.equal(
        head.decode(deltas[0], flat, (50, 77)), plain.decode(deltas[1], flat, (50, 77))
    )
    for name, gradient in gradients[1].items():
        assert torch.equal(gradients[0][name], gradient), name
    own = [one for name, one in gradients[0].items() if 'likelihood' in name]
    assert len(own) == 4 and all(one.any() for one in own)


@pytest.mark.parametrize('count', [0, 2])
def test_nothing_visible_gives_every_weight_a_gradient_of_zero(count: int) -> None:
    head = narrow_head(with_variance=True)
    boxes = [torch.tensor([[1.0, 2, 20, 30]])] * count or [torch.zeros(0, 4)] * 2
    deltas = read(head, boxes)
    assert deltas.shape == (count, 8)
    flat = torch.cat(boxes)
    losses = head.loss(deltas, flat, flat, torch.zeros(count, dtype=torch.bool))
    assert set(losses) == {'loss_proposal', 'loss_proposal_scale'}
    sum(losses.values()).backward()
    assert all(p.grad is not None and not p.grad.any() for p in head.parameters())


def test_without_it_a_box_has_no_variance_of_its_own() -> None:
    boxes = torch.tensor([[1.0, 2, 20, 30]])
    assert not narrow_head().variance(torch.zeros(1, 4), boxes, boxes).any()


def test_other_coders_are_refused() -> None:
    with pytest.raises(ValueError, match='needs a DeltaXYWHBBoxCoder, got TBLR'):
        narrow_head(with_variance=True, bbox_coder=dict(type='mmdet.TBLRBBoxCoder'))


def test_variance_given_z_comes_on_top_of_that_over_the_draws() -> None:
    """Of a model whose draws agree, all of it."""
    torch.manual_seed(0)
    model = lively_model(num_samples=2, **VARIANCE)
    model.latents = lambda encoding, frame: encoding.mean.expand(2, -1, -1, -1)
    torch.nn.init.zeros_(model.proposal_head.likelihood.fc_scale.weight)
    torch.nn.init.zeros_(model.proposal_head.fc_reg.weight)
    model.detector.roi_head.test_cfg.max_per_img = 4
    state, count = None, 0
    data = test_data(toy_video(), range(4))
    for sample in model.test_step(data)[0]:
        found = sample.pred_track_instances
        known = found.kinds != 2
        assert torch.equal(found.box_variances.isnan().any(dim=1), ~known)
        if state is not None:
            count += int(known.sum())
            told = found.box_variances[known]
            sides = (state.bboxes[:, 2:] - state.bboxes[:, :2]).repeat(1, 2)
            of_ids = {int(i): row for row, i in enumerate(state.instances_id)}
            rows = [of_ids[int(i)] for i in found.instances_id[known]]
            # scale 1: variance 2; a tenth of a side, and half of a fifth of it
            torch.testing.assert_close(
                told, 2 * 2 * (0.1 * sides[rows]).square(), rtol=0.05, atol=0.05
            )
        state = found
    assert count


def test_the_config_trains_and_draws() -> None:
    cfg = Config.fromfile(
        CONFIGS / 'vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic_uncertainty.py'
    )
    model = MODELS.build(cfg.model)
    assert model.num_samples == 4 and model.proposal_head.with_variance
    model = tiny_model(**VARIANCE)
    data = model.data_preprocessor(train_data(toy_video(), [1, 2]), True)
    losses = model.loss(**data)
    assert losses['loss_proposal_scale'].requires_grad
