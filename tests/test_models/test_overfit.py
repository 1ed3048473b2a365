"""A clip learned by heart: every part has to work for this one to pass.

The video of ``mmvist.testing``: an object leaves and comes back, another one
enters in front of one of its class and hides nearly all of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.structures import InstanceData
from tiny_vist import frame_of, tiny_model
from torch import Tensor

from mmvist.datasets import FrameIndex
from mmvist.models import VAEVIST
from mmvist.testing import (
    TOY_FRAMES,
    TOY_IDS,
    TOY_SIZE,
    toy_dataset,
    toy_frames,
    toy_masks,
    write_toy_mots,
)

ITERATIONS = 500
CAR, WALKER, SECOND_CAR = TOY_IDS


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> VAEVIST:
    """About 35 seconds of one core."""
    random.seed(0)
    torch.manual_seed(0)
    root: Path = tmp_path_factory.mktemp('toy')
    write_toy_mots(root)
    dataset = toy_dataset(root)
    model = tiny_model(train_cfg=dict(start_iters=ITERATIONS // 3)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=ITERATIONS, pct_start=0.1
    )
    wrapper = OptimWrapper(optimizer, clip_grad=dict(max_norm=10.0))
    for step in range(ITERATIONS):
        frames = random.sample(range(TOY_FRAMES), 2)
        batch = pseudo_collate([dataset[FrameIndex(0, t, seed=step)] for t in frames])
        model.train_step(batch, wrapper)
        schedule.step()
    return model.eval()


def images(model: VAEVIST) -> Tensor:
    """Normalised frames, (6, 3, 64, 96)."""
    frames = torch.from_numpy(toy_frames()[..., ::-1].copy()).permute(0, 3, 1, 2)
    data = dict(inputs=[frames], data_samples=None)
    return model.data_preprocessor(data, False)['inputs'][0]


def track(model: VAEVIST) -> Iterator[InstanceData]:
    inputs, state = images(model), None
    for t in range(TOY_FRAMES):
        frame = frame_of(inputs[t : t + 1], t, img_shape=TOY_SIZE)
        instances, state = model.step(frame, state)
        yield instances


def assert_follows(found: list[InstanceData], wanted: set[int]) -> float:
    """Exactly the visible objects of ``wanted``; their mean IoU."""
    owners, ious = {}, []
    for t, instances in enumerate(found):
        truth = torch.from_numpy(toy_masks()[t].astype('int64'))
        visible = [one for one in wanted if (truth == TOY_IDS[one]).any()]
        assert len(instances) == len(visible), f'frame {t}'
        for one in visible:
            mask = truth == TOY_IDS[one]
            both = (instances.masks & mask).flatten(1).sum(1)
            iou = both / (instances.masks | mask).flatten(1).sum(1)
            row = int(iou.argmax())
            assert iou[row] > 0.5, f'object {one} in frame {t}: IoU {iou[row]:.2f}'
            assert int(instances.labels[row]) == TOY_IDS[one] // 1000 - 1
            identity = int(instances.instances_id[row])
            assert owners.setdefault(one, identity) == identity, f'switch in frame {t}'
            ious.append(float(iou[row]))
    assert len(set(owners.values())) == len(wanted)
    return sum(ious) / len(ious)


def test_masks_and_identities_are_right(trained):
    """Without false positive, miss or switch, the mean IoU is the sMOTSA."""
    assert assert_follows(list(track(trained)), set(TOY_IDS)) > 0.8


def test_propagated_from_the_first_frame_alone(trained, monkeypatch):
    """No detection after it: D_pro and the augment branch follow what is known."""
    monkeypatch.setattr(trained, 'detect_interval', TOY_FRAMES)
    assert assert_follows(list(track(trained)), {CAR, WALKER}) > 0.7


def test_the_next_frame_is_told_from_the_latent(trained):
    """D_aux beats the best constant picture and the frame before."""
    inputs, state = images(trained), None
    error = still = constant = 0.0
    for t in range(TOY_FRAMES - 1):
        frame = frame_of(inputs[t : t + 1], t, img_shape=TOY_SIZE)
        picture = trained.predict_next_frame(frame, state)
        _, state = trained.step(frame, state)
        truth = inputs[t + 1]
        error += float((picture - truth).square().mean())
        still += float((inputs[t] - truth).square().mean())
        constant += float(truth.var(dim=(1, 2)).mean())
    assert error < 0.5 * min(still, constant), (error, still, constant)
