"""Random draws that depend on where training is, not on how it got there."""

from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvist.registry import HOOKS

from ..seeding import seed_all

# one stream each, so that no two uses of the same iteration share draws
STEP, LOADING, EVALUATION = range(3)


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed every random generator from (seed, iteration, rank).

    MMEngine's checkpoints hold no state of a random generator, so that a resumed
    run would draw other damage, other z and other samples than the run that was
    never stopped. With this hook each step draws from numbers that both know.

    - Before a step of training: seeded from (seed, iteration, rank).
    - After it, and after a validation: likewise in another stream, for what the
      loading of the next batch draws in this process (``num_workers=0``). A
      worker process has its own state: there a data set has to seed each sample
      itself, as ``mmvist.MOTSDataset`` does with ``mmvist.VideoFrameSampler``.
    - Before validating and testing: seeded from (seed, rank), so that the same
      weights always give the same numbers.

    The seed is the runner's; MMEngine stores it in the checkpoint and takes it up
    on resuming, also where the config names none.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Seed what the first batch draws."""
        loader = runner.train_dataloader
        if loader.generator is None:
            # making an iterator draws one number, which a resumed run does at
            # another iteration: not from the global generator
            loader.generator = torch.Generator().manual_seed(runner.seed)
        self._seed_loading(runner, runner.iter)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Seed what the model draws in this step."""
        seed_all(runner.seed, runner.iter, get_rank(), STEP)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Seed what the next batch draws."""
        self._seed_loading(runner, runner.iter + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        """Seed a validation."""
        seed_all(runner.seed, 0, get_rank(), EVALUATION)

    def after_val(self, runner: Runner) -> None:
        """Take the stream of the next batch up again."""
        self._seed_loading(runner, runner.iter)

    def before_test_epoch(self, runner: Runner) -> None:
        """Seed a test."""
        seed_all(runner.seed, 0, get_rank(), EVALUATION)

    @staticmethod
    def _seed_loading(runner: Runner, iteration: int) -> None:
        seed_all(runner.seed, iteration, get_rank(), LOADING)
