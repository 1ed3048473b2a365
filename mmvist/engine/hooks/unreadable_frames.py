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

PATIENCE = 20
"""Frames that may be unreadable from the first on."""


@HOOKS.register_module()
class UnreadableFramesHook(Hook):
    """Collects what :class:`~mmvist.datasets.LoadFrame` could not read.

    After a validation the log says how many these are; after a test
    :meth:`check` does.

    Raises:
        UserError: None of the first frames can be read.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._paths: list[str] = []
        self._seen = 0

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
                self._seen += 1
                if meta.get('unreadable'):
                    self._paths.append(str(meta.get('img_path')))
        if len(self._paths) == self._seen >= PATIENCE:
            raise UserError(
                f'none of the first {self._seen} frames can be read, such as '
                f'{self._paths[0]}: are data_root and data_prefix right?'
            )

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Say in the log what was left out."""
        paths = self._of_all_processes()
        if paths:
            runner.logger.warning(_line(paths))

    def check(self) -> None:
        """To be called by all processes, when results are written.

        Raises:
            IncompleteError: Frames were left out; one line that names the first.
        """
        paths = self._of_all_processes()
        if paths:
            raise IncompleteError(_line(paths))

    def _of_all_processes(self) -> list[str]:
        # a process without a share of its own repeats the first video
        return sorted(
            {path for paths in all_gather_object(self._paths) for path in paths}
        )


def _line(paths: Sequence[str]) -> str:
    named = ', '.join(paths[:3]) + (' ...' if len(paths) > 3 else '')
    return (
        f'{len(paths)} frames could not be read and have no results: {named}; the '
        'other frames of their videos were tracked. Fetch them again'
    )
