"""Which loss teaches which part: section "training" of ``VAEVIST.clip_loss``.

A loss that reaches further than here lets one branch spoil another; one that
falls short leaves a part untrained.
"""

import pytest
import torch
from tiny_vist import FAST, lively_model, tiny_model, train_clip
from torch import nn

BODY = {'encoder', 'mean', 'log_var', 'rho'}
FEATURES = {'backbone', 'neck'}
EXPECTED = {
    'loss_kl': BODY,
    'loss_aux': BODY | {'auxiliary'},
    'loss_proposal': BODY | {'proposal'},
    'loss_aug_cls': BODY | {'augment'} | FEATURES,
    'loss_aug_bbox': BODY | {'augment'} | FEATURES,
    'loss_aug_mask': BODY | {'augment'} | FEATURES,
    'loss_rpn_cls': FEATURES | {'rpn'},
    'loss_rpn_bbox': FEATURES | {'rpn'},
    'loss_cls': FEATURES | {'roi'},
    'loss_bbox': FEATURES | {'roi'},
    'loss_mask': FEATURES | {'roi'},
}


def parts(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    encoder, detector = model.encoder, model.detector
    modules = dict(
        encoder=nn.ModuleList([encoder.stem, encoder.blocks, encoder.down]),
        mean=encoder.mean_head,
        log_var=encoder.log_var_head,
        rho=encoder.rho_head,
        auxiliary=model.auxiliary_head,
        proposal=model.proposal_head,
        augment=model.augment_head,
        backbone=detector.backbone,
        neck=detector.neck,
        rpn=detector.rpn_head,
        roi=detector.roi_head,
    )
    return {name: list(module.parameters()) for name, module in modules.items()}


@pytest.fixture(scope='module', params=[1000, 0], ids=['start', 'later'])
def reached(request) -> dict[str, set[str]]:
    """Parts with a gradient other than zero, for each loss alone."""
    torch.manual_seed(0)
    model = tiny_model(train_cfg=dict(start_iters=request.param, drop_prob=0)).train()
    groups = parts(model)
    assert sum(map(len, groups.values())) == len(list(model.parameters()))
    found = {}
    for name, value in model.clip_loss(train_clip(model)).items():
        value = sum(value) if isinstance(value, list) else value
        if 'loss' not in name:
            assert not value.requires_grad, f'{name} is for the log alone'
            continue
        found[name] = set()
        for group, parameters in groups.items():
            gradients = torch.autograd.grad(
                value.sum(), parameters, retain_graph=True, allow_unused=True
            )
            if any(one is not None and one.any() for one in gradients):
                found[name].add(group)
    return found


def test_all_losses_are_listed(reached):
    assert reached.keys() == EXPECTED.keys()


@pytest.mark.parametrize('name', EXPECTED)
def test_loss_reaches_its_parts_alone(reached, name):
    assert reached[name] == EXPECTED[name]


def test_no_gradient_goes_through_boxes(monkeypatch):
    model = tiny_model().train()
    given = []
    head_loss = model.augment_head.loss

    def spy(features, candidates, data_samples):
        given.extend(candidates)
        return head_loss(features, candidates, data_samples)

    monkeypatch.setattr(model.augment_head, 'loss', spy)
    model.clip_loss(train_clip(model))
    assert len(given) == 2 and not any(boxes.requires_grad for boxes in given)


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
@pytest.mark.parametrize('frames', [(1, 3), (0,), (5,)], ids=['usual', 'first', 'last'])
def test_every_weight_gets_a_gradient(frames, changes):
    """Of zero at least: data-parallel training waits for each."""
    model = tiny_model(train_cfg=dict(start_iters=0), **changes).train()
    losses = model.clip_loss(train_clip(model, frames))
    model.parse_losses(losses)[0].backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing


def test_detail_is_learnt_from_the_frame(monkeypatch):
    model = lively_model(train_cfg=dict(start_iters=0, drop_prob=0), **FAST).train()
    clip, forward = train_clip(model), model.augment_head.forward
    given = []

    def spy(*args, frame):
        given.append(frame)
        return forward(*args, frame=frame)

    monkeypatch.setattr(model.augment_head, 'forward', spy)
    model.clip_loss(clip)['loss_aug_mask'].backward()
    assert len(given) == 1 and torch.equal(given[0], clip.frame)
    assert not torch.equal(clip.frame, clip.prev_frame)
    extractor = model.augment_head.roi_head.mask_roi_extractor
    assert all(one.grad.any() for one in extractor.down.parameters())


def test_a_frame_without_objects():
    model = tiny_model(train_cfg=dict(start_iters=0, drop_prob=0)).train()
    clip = train_clip(model, (1,))
    sample = clip.data_samples[0]
    sample.gt_instances = sample.gt_instances[torch.zeros(2, dtype=torch.bool)]
    total, log = model.parse_losses(model.clip_loss(clip))
    total.backward()
    assert torch.isfinite(total) and log['loss_proposal'] == 0
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing
