"""Mixed precision: the latent stays in float32, the rest follows autocast."""

import pytest
import torch
from mmcv.ops import RoIAlign, roi_align
from mmcv.ops.nms import NMSop
from mmengine.optim import AmpOptimWrapper
from tiny_vist import (
    FAST,
    lively_model,
    test_data,
    tiny_model,
    toy_video,
    train_clip,
    train_data,
)


@pytest.fixture
def float32_ops(monkeypatch):
    """mmcv's RoIAlign and NMS have no bfloat16; the rest is left to autocast."""

    def forward(self, features, rois):
        given = features.float(), rois.float(), self.output_size, self.spatial_scale
        crops = roi_align(*given, self.sampling_ratio, self.pool_mode, self.aligned)
        return crops.to(features.dtype)

    suppress = NMSop.apply
    monkeypatch.setattr(RoIAlign, 'forward', forward)
    monkeypatch.setattr(
        NMSop,
        'apply',
        lambda boxes, scores, *args: suppress(boxes.float(), scores.float(), *args),
    )


def test_the_latent_stays_in_float32():
    model = tiny_model().train()
    clip = train_clip(model)
    known = model.training_samples.known(clip)
    mask = torch.stack([one.combined_mask for one in known])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        encoding = model.encoder(clip.frame, clip.prev_frame, mask)
        z = encoding.sample()
        loss = model.kl_loss(encoding.posterior)
        auxiliary = model.auxiliary_head.loss(
            z, clip.next_frame, clip.has_next, clip.img_shapes
        )['loss_aux']
    assert encoding.mean.dtype == z.dtype == torch.bfloat16
    posterior = encoding.posterior
    for name in ('loc', 'scale', 'rho'):
        assert getattr(posterior, name).dtype == torch.float32, name
    assert loss.dtype == auxiliary.dtype == torch.float32
    (loss + auxiliary).backward()
    gradients = [p.grad for p in model.encoder.parameters()]
    assert all(one is not None and torch.isfinite(one).all() for one in gradients)


@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
@pytest.mark.parametrize('frames', [(1, 5), (0,)], ids=['usual', 'first'])
def test_train_step_under_autocast_on_the_cpu(float32_ops, frames, changes):
    model = lively_model(**changes).train()
    data = model.data_preprocessor(train_data(toy_video(), frames), True)
    torch.manual_seed(0)
    whole = model(**data, mode='loss')
    total, _ = model.parse_losses(whole)
    torch.manual_seed(0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
    low, _ = model.parse_losses(losses)
    assert low.item() == pytest.approx(total.item(), rel=0.15)
    assert losses.keys() == whole.keys()
    for name in ('loss_kl', 'loss_aux', 'loss_proposal'):
        torch.testing.assert_close(
            losses[name].float(), whole[name], rtol=0.05, atol=1e-3
        )
    low.backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
@pytest.mark.parametrize('changes', [{}, FAST], ids=['default', 'fast'])
def test_train_step_and_testing_on_cuda(changes):
    model = lively_model(**changes).cuda().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    wrapper = AmpOptimWrapper(
        optimizer=optimizer, dtype='float16', loss_scale='dynamic'
    )
    for frames in ((1, 3), (0, 5)):
        log = model.train_step(train_data(toy_video(), frames), wrapper)
        assert torch.isfinite(log['loss'])
    assert all(torch.isfinite(p).all() for p in model.parameters())
    model.eval()
    with torch.autocast('cuda', dtype=torch.float16):
        out = model.test_step(test_data(toy_video(), range(3)))
    for sample in out[0].video_data_samples:
        instances = sample.pred_track_instances
        assert instances.masks.is_cuda and instances.scores.dtype == torch.float32
        assert len(instances.instances_id.unique()) == len(instances)
