"""Checkpoints of which the older goes when the newer is there."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from mmengine.hooks import CheckpointHook as HostCheckpointHook
from mmengine.runner import Runner

from mmvist.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(HostCheckpointHook):
    """MMEngine's, but that the older checkpoint goes when the newer is there.

    MMEngine removes first: a full disk, weights that are not finite or a ``kill -9``
    in between would leave no checkpoint at all, or no best one. And nothing outside of
    its own folder is removed, whatever the checkpoint that training goes on from names
    as the best one so far: it may be of another run, or a stranger's.
    """

    def before_train(self, runner: Runner) -> None:
        """Find the folder, and in it the best checkpoint so far."""
        super().before_train(runner)
        if getattr(self, 'best_ckpt_path', None) is not None:
            self.best_ckpt_path = self._own(self.best_ckpt_path)
        bests = getattr(self, 'best_ckpt_path_dict', {})
        bests.update({key: self._own(path) for key, path in bests.items()})

    def _publish_model(self, runner: Runner, ckpt_path: str | None) -> None:
        if ckpt_path is not None:  # no validation was the best of its kind
            super()._publish_model(runner, ckpt_path)

    def _own(self, best: Any) -> str | None:
        """A best checkpoint of this name in the own folder, which may have moved."""
        name = osp.basename(best) if isinstance(best, str) else ''
        path = self.file_backend.join_path(self.out_dir, name)
        own = name.startswith('best_') and self.file_backend.isfile(path)
        return path if own else None

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        with self._removing_afterwards():
            super()._save_checkpoint_with_step(runner, step, meta)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removing_afterwards():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_afterwards(self) -> Iterator[None]:
        backend = self.file_backend
        if isinstance(backend, _Deferring):  # within that of the best one
            yield
            return
        self.file_backend = deferring = _Deferring(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        kept = {self.last_ckpt, getattr(self, 'best_ckpt_path', None)}
        kept |= set(getattr(self, 'best_ckpt_path_dict', {}).values())
        for path, remove in deferring.removals:
            if path not in kept:
                remove()


class _Deferring:
    """A file backend that only remembers what is to be removed."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.removals: list[tuple[str, Callable[[], None]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.removals.append((str(path), partial(self._backend.remove, path)))

    def rmtree(self, path: str) -> None:
        self.removals.append((str(path), partial(self._backend.rmtree, path)))
