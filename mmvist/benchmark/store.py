"""Which runs wait, which are done, and what came out: an Optuna study."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from mmvist.engine.errors import UserError

DATABASE = 'runs.db'
"""In the folder of a data set."""

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Store:
    """The runs of a benchmark, one process at a time.

    A process that was killed leaves its run as running: the next one takes it up
    again. A tool that outlived its benchmark still holds the lock, and is waited for.

    Args:
        folder: Gets ``runs.db`` and a lock; made where it does not exist.
        waiting: Is called once when another process holds the lock.
    """

    def __init__(
        self, folder: Path, waiting: Callable[[], None] = lambda: None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder / '.lock', waiting)
        self.folder = folder

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._lock)

    def study(self, name: str) -> optuna.Study:
        """A study to add to; trials left running by a killed process wait again."""
        study = open_study(self.folder, name)
        for trial in study.get_trials(states=[TrialState.RUNNING]):
            study.tell(trial.number, state=TrialState.FAIL)
            study.enqueue_trial(trial.params, user_attrs=trial.user_attrs)
        return study

    def begin(self, study: optuna.Study, keys: Sequence[str]) -> Iterator[Trial]:
        """Queue runs by their names, and begin one after the other.

        Those that are done are passed over; what waits from an earlier command and is
        not asked for is dropped.
        """
        there = {
            trial.user_attrs['key']
            for trial in study.get_trials(
                states=[TrialState.WAITING, TrialState.COMPLETE]
            )
        }
        for key in keys:
            if key not in there:
                study.enqueue_trial({}, user_attrs=dict(key=key))
        while study.get_trials(states=[TrialState.WAITING]):
            trial = study.ask()
            if trial.user_attrs['key'] in keys:
                yield trial
            else:
                study.tell(trial, state=TrialState.FAIL)

    def finish(
        self, study: optuna.Study, trial: Trial, value: float, record: Mapping
    ) -> None:
        """Keep what came out of a run."""
        trial.set_user_attr('record', dict(record))
        study.tell(trial, value)


def open_study(folder: Path, name: str) -> optuna.Study:
    """A study as it is, whose best trial has the largest value.

    Args:
        folder: Has ``runs.db``, which is made where it does not exist.
        name: Of the study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        study_name=name,
        storage=f'sqlite:///{folder / DATABASE}',
        direction='maximize',
        load_if_exists=True,
    )


def records(study: optuna.Study) -> dict[str, dict[str, Any]]:
    """What came out of the finished runs, by their names; the last one counts."""
    done = study.get_trials(states=[TrialState.COMPLETE])
    return {trial.user_attrs['key']: trial.user_attrs['record'] for trial in done}


def _lock(path: Path, waiting: Callable[[], None]) -> int:
    """Hold a file for this process and the tools that it starts."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    os.set_inheritable(handle, True)
    try:
        import fcntl
    except ImportError:  # no Unix: nothing guards against a second process
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(f'{path} cannot be locked ({error.strerror})') from None
    return handle
