"""Training that has gone wrong stops at once, and says where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from mmengine.structures import BaseDataElement

from mmvist.registry import HOOKS

from ..errors import UserError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at the first iteration whose loss is not finite.

    It comes before the checkpoint of the iteration is written, so that the last
    checkpoint is one from before. Of several processes all stop, whichever met it.
    Before a validation in training it looks at the weights: what they would give
    could pass for the best.

    Raises:
        UserError: One line with each loss and the files of the batch.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Look at ``loss``, the sum of all."""
        total = torch.as_tensor((outputs or {}).get('loss', 0.0)).detach().item()
        told = None
        if not math.isfinite(total):
            told = _line(runner.iter + 1, outputs, data_batch)
        for line in _of_all_processes(told):
            if line is not None:
                raise UserError(line)

    def before_val_epoch(self, runner: Runner) -> None:
        """Look at the weights, which the last step may have broken."""
        if isinstance(getattr(runner, '_train_loop', None), BaseLoop):
            runner.check_finite('no validation')


def _of_all_processes(told: str | None) -> list[str | None]:
    if get_world_size() == 1:
        return [told]
    anyone = torch.tensor(float(told is not None))
    all_reduce(anyone)
    return all_gather_object(told) if anyone else []


def _line(iteration: int, losses: Mapping[str, Any], batch: Any) -> str:
    values = ', '.join(
        f'{name} {torch.as_tensor(value).detach().item():.4g}'
        for name, value in losses.items()
    )
    files = ', '.join(dict.fromkeys(_files(batch))) or 'unnamed'
    return (
        f'the loss is not finite at iteration {iteration}: {values}; the batch was '
        f'{files}; the last checkpoint is from before it: lower the learning rate or '
        'look at these files, then go on with --resume'
    )


def _files(batch: Any) -> Iterator[str]:
    """Paths of all frames in a batch, however it nests them."""
    if isinstance(batch, BaseDataElement):
        if 'img_path' in batch.metainfo:
            path = batch.metainfo['img_path']
            yield from path if isinstance(path, (list, tuple)) else [str(path)]
        elif 'video_data_samples' in batch:
            yield from _files(batch.video_data_samples)
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from _files(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from _files(value)
