"""Frames of a test that could not be read, named at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvist.registry import HOOKS
from mmvist.structures.hosts import flat_samples

from ..errors import IncompleteError, UserError


@HOOKS.register_module()
class UnreadableFramesHook(Hook):
    """Collects what :class:`~mmvist.datasets.LoadFrame` could not read.

    After a validation the log says how many these are; after a test
    :meth:`check` does.

    Raises:
        UserError: After a test, none of its frames could be read.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._paths: list[str] = []
        self._left_out: list[str] = []
        self._read = False

    def before_val_epoch(self, runner: Runner) -> None:
        """Count anew."""
        self._begin()

    def before_test_epoch(self, runner: Runner) -> None:
        """Count anew."""
        self._begin()

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
        mode: str = 'train',
    ) -> None:
        if mode == 'train':
            return
        for sample in outputs or ():
            for frame in flat_samples(sample):
                meta = getattr(frame, 'metainfo', {})
                if meta.get('unreadable'):
                    self._paths.append(str(meta.get('img_path')))
                else:
                    self._read = True

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Say in the log what was left out."""
        paths = self._of_all_processes()
        if paths:
            runner.logger.warning(_line(paths))

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Refuse a test without a single frame, and count those left out."""
        self._left_out = self._of_all_processes()
        if self._left_out and not any(all_gather_object(self._read)):
            raise UserError(
                f'none of {len(self._left_out)} frames can be read, such as '
                f'{self._left_out[0]}: are data_root and data_prefix right?'
            )
        if metrics is not None and self._left_out:
            metrics['unreadable_frames'] = len(self._left_out)

    def check(self) -> None:
        """To be called when the results of a test are written.

        Raises:
            IncompleteError: Frames were left out; one line that names the first.
        """
        if self._left_out:
            raise IncompleteError(_line(self._left_out))

    def _of_all_processes(self) -> list[str]:
        # a process without a share of its own repeats the first video
        return sorted(
            {path for paths in all_gather_object(self._paths) for path in paths}
        )


def _line(paths: Sequence[str]) -> str:
    named = ', '.join(paths[:3]) + (' ...' if len(paths) > 3 else '')
    one = len(paths) == 1
    return (
        f'{len(paths)} {"frame" if one else "frames"} could not be read and '
        f'{"has" if one else "have"} no results: {named}; the other frames of '
        f'{"its video" if one else "their videos"} were tracked. Fetch '
        f'{"it" if one else "them"} again'
    )
