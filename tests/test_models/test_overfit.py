"""A clip learned by heart: every part has to work for this one to pass."""

from __future__ import annotations

import random

import pytest
import torch
from mmengine.optim import OptimWrapper
from tiny_vist import ToyVideo, frame_of, tiny_model, toy_video, train_data

from mmvist.models import VAEVIST

ITERATIONS = 250
LENGTH = 6


def lookalikes() -> ToyVideo:
    """Two objects of one class that come close to each other."""
    video = toy_video(LENGTH, step=4)
    video.labels = torch.zeros(2, dtype=torch.long)
    return video


@pytest.fixture(scope='module')
def trained() -> VAEVIST:
    """About 20 seconds of one core."""
    random.seed(0)
    torch.manual_seed(0)
    video = lookalikes()
    model = tiny_model(train_cfg=dict(start_iters=ITERATIONS // 3)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=ITERATIONS, pct_start=0.1
    )
    wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=10.0))
    for _ in range(ITERATIONS):
        model.train_step(train_data(video, random.sample(range(LENGTH), 2)), wrapper)
        schedule.step()
    return model.eval()


@pytest.mark.parametrize('interval', [1, LENGTH], ids=['detected', 'propagated'])
def test_masks_and_identities_are_right(trained, interval):
    """Also where the first frame alone is detected, and D_pro has to follow."""
    video = lookalikes()
    trained.detect_interval = interval
    images = trained.data_preprocessor(
        dict(inputs=[video.frames], data_samples=None), False
    )['inputs'][0]
    state, seen, total = None, [], 0.0
    for t in range(LENGTH):
        instances, state = trained.step(frame_of(images[t : t + 1], t), state)
        assert len(instances) == 2 and not instances.labels.any()
        truth = video.masks[t]
        both = (instances.masks[:, None] & truth[None]).sum((2, 3))
        either = (instances.masks[:, None] | truth[None]).sum((2, 3))
        best, owner = (both / either).max(dim=0)
        assert (best > 0.5).all(), f'frame {t}: {best.tolist()}'
        seen.append(instances.instances_id[owner].tolist())
        total += float(best.sum())
    assert sorted(seen[0]) == [1, 2] and all(ids == seen[0] for ids in seen)
    # no false positive, miss or switch: sMOTSA is the mean IoU
    assert total / (2 * LENGTH) > 0.75


def test_the_next_frame_is_told_from_the_latent(trained):
    """D_aux beats the best constant picture, and the frame before."""
    video = lookalikes()
    images = trained.data_preprocessor(
        dict(inputs=[video.frames], data_samples=None), False
    )['inputs'][0]
    state, error, still, mean = None, 0.0, 0.0, 0.0
    for t in range(LENGTH - 1):
        frame = frame_of(images[t : t + 1], t)
        picture = trained.predict_next_frame(frame, state)
        _, state = trained.step(frame, state)
        truth, now = images[t + 1, :, :60, :90], images[t, :, :60, :90]
        error += float((picture - truth).square().mean())
        still += float((now - truth).square().mean())
        mean += float((truth.mean((1, 2), keepdim=True) - truth).square().mean())
    assert error < 0.5 * mean and error < still, (error, still, mean)
