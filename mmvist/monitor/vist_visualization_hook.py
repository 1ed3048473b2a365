"""Training watched: tracked validation clips, next frames, and the latent."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import cv2
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmvist.evaluation.truth import load_truth
from mmvist.models.encoding import Encoding
from mmvist.registry import HOOKS
from mmvist.structures.hosts import class_names

from .latent_statistics import ActiveUnits, quantiles
from .validation_clips import ValidationClips


@HOOKS.register_module()
class VISTVisualizationHook(Hook):
    """Show in MMEngine's visualizer what a model learns.

    - After a validation, of some clips: tracked frames beside the truth
      (``val_<clip>``), and frames t and t+1 beside t+1 as D_aux expected it at t
      (``next_frame_<clip>``).
    - While training, every ``interval`` iterations: quantiles of rho and sigma, and
      the number of active units (see :class:`.ActiveUnits`) over the samples since
      the last time, while which the weights move on, too. A TensorBoard backend also
      gets histograms.

    Of a model that is no ``VAEVIST``, or lacks a part, the rest is shown. Nothing is
    drawn from a random generator and nothing of the model is changed: a run with this
    hook gives the weights of one without. Of several processes the main one shows
    what it itself trains on and tests.

    Args:
        clips: Validation clips that are shown, the first ones.
        frames: Frames of each, spread over its length.
        interval: Iterations between two looks at the latent.
        active_above: Variance of the posterior mean from which on a unit is active.

    Raises:
        ValueError: One of the first three is not at least 1.

    Example:
        >>> hook = dict(type='mmvist.VISTVisualizationHook', clips=4)
        >>> default_hooks = dict(pictures=hook)  # beside those of the base config
    """

    priority = 'LOW'

    def __init__(
        self,
        clips: int = 2,
        frames: int = 3,
        interval: int = 50,
        active_above: float = 0.01,
    ) -> None:
        if min(clips, frames, interval) < 1:
            raise ValueError('clips, frames and interval have to be at least 1')
        self.clips = clips
        self.frames = frames
        self.interval = interval
        self.active_above = active_above
        self._units = ActiveUnits(active_above)
        self._posterior: dict[str, Tensor] = {}
        self._listening: RemovableHandle | None = None
        self._shown: ValidationClips | None = None

    def before_train(self, runner: Runner) -> None:
        """Listen to the encoder."""
        encoder = getattr(_model_of(runner), 'encoder', None)
        if is_main_process() and isinstance(encoder, nn.Module):
            self._listening = encoder.register_forward_hook(self._listen)

    def _listen(self, encoder: nn.Module, inputs: tuple, encoding: Encoding) -> None:
        if not encoder.training:
            return
        self._units.update(encoding.mean)
        if encoding.posterior is not None:
            rho, sigma = encoding.posterior.rho, encoding.posterior.scale
            self._posterior = dict(rho=rho.detach(), sigma=sigma.detach())

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Record the latent when its time has come."""
        step = runner.iter + 1
        if self._listening is None or step % self.interval:
            return
        active, units, samples = self._units.count()
        scalars: dict[str, float] = {}
        if samples:
            scalars['latent/active_units'] = active
            scalars['latent/active_share'] = active / units
        for name, values in self._posterior.items():
            scalars.update(quantiles(f'latent/{name}', values))
            _add_histogram(runner, f'latent/{name}', values, step)
        runner.visualizer.add_scalars(scalars, step=step)
        self._units, self._posterior = ActiveUnits(self.active_above), {}

    def after_train(self, runner: Runner) -> None:
        """Leave the encoder as it was."""
        if self._listening is not None:
            self._listening.remove()
            self._listening = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Read the truth of the validation set."""
        self._shown = None
        if not is_main_process():
            return
        try:
            truth = load_truth(runner.val_dataloader.dataset.ann_file)
        except (AttributeError, OSError, ValueError) as error:
            print_log(
                f'{type(self).__name__} shows no clips: the validation set has no '
                f'truth that it can read ({error})',
                logger='current',
                level=logging.WARNING,
            )
            return
        self._shown = ValidationClips(truth, self.clips, self.frames)

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Let D_aux expect the frame after those that are shown."""
        model = _model_of(runner)
        if self._shown is not None and getattr(model, 'with_aux', False):
            self._shown.expect(model, data_batch)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[TrackDataSample | DetDataSample] | None = None,
    ) -> None:
        """Keep what the model sees in the frames that are shown."""
        if self._shown is not None:
            metainfo = runner.val_dataloader.dataset.metainfo
            self._shown.keep(outputs or (), class_names(metainfo.get('classes')))

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Hand the pictures over."""
        if self._shown is None:
            return
        for name, picture in self._shown.pictures():
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            runner.visualizer.add_image(name, picture, step=runner.iter)
        self._shown = None


def _model_of(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _add_histogram(runner: Runner, name: str, values: Tensor, step: int) -> None:
    # the visualizer has no word for it, TensorBoard's writer has
    for backend in runner.visualizer._vis_backends.values():
        if isinstance(backend, TensorboardVisBackend):
            backend.experiment.add_histogram(name, values.float().cpu(), step)
