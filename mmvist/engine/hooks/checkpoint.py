"""Checkpoints of which the older goes when the newer is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from mmengine.hooks import CheckpointHook as HostCheckpointHook
from mmengine.runner import Runner

from mmvist.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(HostCheckpointHook):
    """MMEngine's, which removes what is one too many before it writes the next.

    A full disk, weights that are not finite or a ``kill -9`` in between would leave
    no checkpoint at all, or no best one.
    """

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
