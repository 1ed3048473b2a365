"""One set of running statistics for all processes."""

from itertools import chain
from typing import Any

from mmengine.dist import all_reduce_params, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from mmvist.registry import HOOKS


@HOOKS.register_module()
class BatchNormSyncHook(Hook):
    """Average running means and variances over the processes after each step.

    Each process sees its own batches, and a checkpoint holds the statistics of the
    first: without this a validation in training, which all of them share, would
    measure several models and the checkpoint be none of them. MMEngine's
    ``SyncBuffersHook`` averages before a validation, after the checkpoint of the
    same step is written, and averages counters too.

    Frozen layers are left alone, and so is a single process.
    """

    # before the checkpoint of the step
    priority = 'HIGH'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Average what this step has moved."""
        if get_world_size() == 1:
            return
        moved = [
            (layer.running_mean, layer.running_var)
            for layer in runner.model.modules()
            if isinstance(layer, _BatchNorm)
            and layer.training
            and layer.running_mean is not None
        ]
        if moved:
            all_reduce_params(list(chain.from_iterable(moved)), op='mean')
