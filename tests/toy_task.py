"""A task of ten numbers, for what runs models rather than what models are.

A config names it by ``custom_imports=['toy_task']`` with ``tests`` on the path.
The data are random draws on purpose: they come from whatever generator state the
process is in, so that they tell whether a resumed run repeats an unbroken one.
"""

import itertools
from typing import Any

import numpy as np
import torch
from mmdet.evaluation.metrics import BaseVideoMetric
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset


@DATASETS.register_module()
class ToyDataset(Dataset):
    """``length`` samples; ``noisy`` ones draw from NumPy and torch each time."""

    def __init__(self, length: int = 10, noisy: bool = False, ann_file: str = ''):
        self.length, self.noisy = length, noisy
        self.metainfo = dict(classes=('toy',))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        x = torch.full((3,), float(index) / self.length)
        if self.noisy:
            x = x + torch.rand(3) + float(np.random.rand())
        return dict(inputs=x, index=torch.tensor(index))


@MODELS.register_module()
class ToyModel(BaseModel):
    """A linear layer, noise in its loss, and a branch that some samples skip."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(3, width)
        self.norm = nn.BatchNorm1d(width)
        self.branch = nn.Linear(width, 1)

    def forward(self, inputs: Tensor, index: Tensor, mode: str = 'tensor') -> Any:
        """Loss, or one dict a sample that holds its index and the output's sum."""
        out = self.linear(inputs)
        if mode == 'loss':
            out = self.norm(out)
            loss = ((out - torch.randn_like(out)) ** 2).mean()
            if bool((index % 2 == 0).all()):
                loss = loss + self.branch(out).square().mean()
            return dict(loss=loss)
        return [
            dict(index=int(i), value=float(v))
            for i, v in zip(index, out.sum(dim=1), strict=True)
        ]


@METRICS.register_module()
class ToyMetric(BaseVideoMetric):
    """Number of samples seen, and a sum that depends on each of them."""

    default_prefix = 'toy'

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Keep the predictions."""
        self.results.extend(data_samples)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Sum in the order of the samples, so that sharing out changes no digit."""
        results = sorted(results, key=lambda result: result['index'])
        return dict(
            count=len(results),
            total=sum((r['index'] + 1) * r['value'] for r in results),
            hole=float('nan'),
        )


_RUNS = itertools.count()


def toy_config(work_dir: Any, max_iters: int = 6, **changes: Any) -> Config:
    """Config of a run of ``max_iters`` steps, two samples each.

    Args:
        work_dir: Where it writes; a checkpoint every two steps.
        max_iters: Steps.
        **changes: Keys to replace.
    """
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=dict(type='ToyDataset', noisy=True),
        sampler=dict(type='InfiniteSampler', shuffle=True),
        collate_fn=dict(type='default_collate'),
    )
    test_loader = dict(
        batch_size=1,
        num_workers=0,
        dataset=dict(type='ToyDataset', length=7),
        sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
        collate_fn=dict(type='default_collate'),
    )
    cfg = dict(
        default_scope='mmdet',
        custom_imports=dict(imports=['mmvist', 'toy_task']),
        model=dict(type='ToyModel'),
        train_dataloader=loader,
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=3),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.01)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=5)
        ],
        val_dataloader=test_loader,
        val_cfg=dict(type='ValLoop'),
        val_evaluator=dict(type='ToyMetric'),
        test_dataloader=test_loader,
        test_cfg=dict(type='TestLoop'),
        test_evaluator=dict(type='ToyMetric'),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)
        ),
        custom_hooks=[dict(type='mmvist.StepSeedHook')],
        log_processor=dict(by_epoch=False),
        randomness=dict(seed=3),
        visualizer=None,
        console_log_level='ERROR',
        # runs of the same second would share one logger and one message hub
        experiment_name=f'toy_{next(_RUNS)}',
        work_dir=str(work_dir),
    )
    return Config({**cfg, **changes})
