"""MMEngine's runner, with safe checkpoints and processes without a GPU."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mmengine.device import get_device
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import CheckpointHook as HostCheckpointHook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper, revert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmengine.registry import RUNNERS
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import load_state_dict
from torch import Tensor, nn

from mmvist.files import remove_parts, whole_file

from .checkpoint import (
    check_classes,
    check_fit,
    latest_checkpoint,
    load_checkpoint,
    strip_wrapper,
)
from .distributed import CPUDistributedDataParallel, init_cpu_group
from .errors import CheckpointError, UserError
from .hooks.checkpoint import CheckpointHook
from .hooks.finite_loss import FiniteLossHook
from .hooks.unreadable_frames import UnreadableFramesHook

_HOST_CHECKPOINT_HOOKS = 'CheckpointHook', 'mmengine.CheckpointHook', HostCheckpointHook


@RUNNERS.register_module()
class VISTRunner(Runner):
    """The runner of ``tools/train.py`` and ``tools/test.py``.

    It differs from :class:`mmengine.runner.Runner` in six things: checkpoints
    are read without running what they hold and have to fit the model; they are kept
    by our :class:`CheckpointHook` where a config names MMEngine's; several
    processes work on a CPU too; training stops at a loss that is not finite
    (:class:`FiniteLossHook`), and a test does not at a frame that cannot be read
    (``unreadable``, a :class:`UnreadableFramesHook`); and ``console_log_level =
    'WARNING'`` in a config keeps the log out of the terminal, for a progress bar,
    while the log file still gets all of it.
    """

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """MMEngine's, those of the config, and what every training wants."""
        hooks = {'checkpoint': dict(type='CheckpointHook', interval=1), **(hooks or {})}
        kept = hooks['checkpoint']
        if isinstance(kept, Mapping) and kept.get('type') in _HOST_CHECKPOINT_HOOKS:
            hooks['checkpoint'] = dict(kept, type=CheckpointHook)
        super().register_default_hooks(hooks)
        self.unreadable = UnreadableFramesHook()
        self.register_hook(FiniteLossHook())
        self.register_hook(self.unreadable)

    def setup_env(self, env_cfg: dict) -> None:
        """Join the process group before MMEngine would do it for a GPU."""
        if self.distributed:
            init_cpu_group(self.launcher, env_cfg.get('dist_cfg'))
        super().setup_env(env_cfg)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """The logger, its terminal as loud as ``console_log_level`` says."""
        logger = super().build_logger(*args, **kwargs)
        level = self.cfg.get('console_log_level')
        if level is not None:
            for handler in logger.handlers:
                if not isinstance(handler, logging.FileHandler):
                    handler.setLevel(max(handler.level, logging.getLevelName(level)))
        return logger

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap for several processes, on the CPU without device ids."""
        if self.distributed and get_device() == 'cpu' and not is_model_wrapper(model):
            model = revert_sync_batchnorm(model)  # there is none for the CPU
            model_wrapper_cfg = dict(
                model_wrapper_cfg
                or dict(
                    broadcast_buffers=False,
                    find_unused_parameters=self.cfg.get(
                        'find_unused_parameters', False
                    ),
                )
            )
            model_wrapper_cfg['type'] = CPUDistributedDataParallel.__name__
        return super().wrap_model(model_wrapper_cfg, model)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = False,
        revise_keys: Sequence[tuple[str, str]] | None = None,
    ) -> dict:
        """Load weights, only weights, and only those of this model.

        A start of training from another model (``load_from``) may fit in part;
        for testing and resuming the weights have to be this model's.

        Args:
            filename: A file, or an address that MMEngine knows.
            map_location: As in :func:`torch.load`.
            strict: Refuse weights that are missing or left over.
            revise_keys: Accepted as MMEngine passes it; the prefix ``module.``
                is always taken off.

        Returns:
            The checkpoint.

        Raises:
            CheckpointError: The checkpoint is missing, unsafe or of another model,
                or a training cannot go on from it.
        """
        checkpoint = load_checkpoint(filename, map_location)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = self.model.module if is_model_wrapper(self.model) else self.model
        weights = strip_wrapper(checkpoint['state_dict'])
        training = isinstance(self._train_loop, BaseLoop)
        whole = self._resume or not training
        check_fit(model, weights, filename, whole)
        if self._resume and training:
            _check_resumable(checkpoint, filename)
        if whole:
            check_classes(checkpoint, self._classes(training), filename)
        load_state_dict(model, weights, strict, self.logger)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def load_or_resume(self) -> None:
        """Go on from the latest whole checkpoint, see :func:`latest_checkpoint`."""
        if is_main_process():
            remove_parts(self.work_dir)
        if self._resume and self._load_from is None:
            self._load_from = latest_checkpoint(self.work_dir)
            if self._load_from is None:
                self.logger.info(f'{self.work_dir} has no checkpoint: from the start')
                return
        super().load_or_resume()

    def save_checkpoint(
        self, out_dir: str, filename: str, *args: Any, **kwargs: Any
    ) -> None:
        """Write under another name and rename: no name is ever of half a file.

        Raises:
            UserError: A weight is not finite, as after a gradient that was not; the
                loss would tell so only in the next iteration.
        """
        self.check_finite(f'checkpoint {filename} is not written')
        if '://' in out_dir:  # another backend, which has no renaming
            super().save_checkpoint(out_dir, filename, *args, **kwargs)
        elif is_main_process():
            self._save_whole(out_dir, filename, *args, **kwargs)

    def check_finite(self, then: str) -> None:
        """Look at weights, running statistics and what the optimiser remembers.

        Args:
            then: What does not happen if one of them is not finite.

        Raises:
            UserError: One is not.
        """
        bad = list(_not_finite(self.model.state_dict()))
        if isinstance(self.optim_wrapper, OptimWrapper):
            state = self.optim_wrapper.optimizer.state
            for number, kept in enumerate(state.values()):
                bad += _not_finite(kept, f'{{}} of weight {number} in the optimiser')
        # of all processes, so that none goes on alone
        bad = [name for names in all_gather_object(bad) for name in names]
        if bad:
            raise UserError(
                f'{then}: {len(bad)} weights are not finite, such as {bad[0]}; the '
                'last checkpoint is from before: lower the learning rate, then go on '
                'with --resume'
            )

    def _save_whole(
        self, out_dir: str, filename: str, *args: Any, **kwargs: Any
    ) -> None:
        with whole_file(os.path.join(out_dir, filename), sync=True) as part:
            super().save_checkpoint(str(part.parent), part.name, *args, **kwargs)

    def _classes(self, training: bool) -> Sequence[str] | None:
        """The classes of the data that is trained or tested on, where known."""
        loop = self._train_loop if training else self._test_loop
        loop = loop if isinstance(loop, BaseLoop) else self._val_loop
        dataset = getattr(getattr(loop, 'dataloader', None), 'dataset', None)
        return (getattr(dataset, 'metainfo', None) or {}).get('classes')


def _not_finite(state: Mapping[str, Any], name: str = '{}') -> Iterator[str]:
    for key, value in state.items():
        if isinstance(value, Tensor) and not value.detach().isfinite().all():
            yield name.format(key)


def _check_resumable(checkpoint: dict, filename: str) -> None:
    """Refuse to resume from weights alone."""
    meta = checkpoint.get('meta') or {}
    if not {'epoch', 'iter'} <= set(meta):
        raise CheckpointError(
            f'checkpoint {filename} holds weights alone: start from them with '
            f'--cfg-options load_from={filename} instead of --resume'
        )
