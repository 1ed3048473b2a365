"""Run what a table needs, one process at a time, and make it of what is done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from mmvist.engine.errors import UserError
from mmvist.engine.steps import Steps, duration
from mmvist.evaluation.video_results import read_video_results

from . import report
from .comparison import compare, draw_clips, resample
from .rows import OURS, Data, Row
from .run import Run
from .search import LEARNING_RATE, SEED, Search
from .store import DATABASE, Store, open_study, records


class TimedSteps(Steps):
    """Says with each step how long all that are left will take, by those before."""

    begun: float | None = None
    first = 0

    def announce(self, what: str, done: bool = False) -> bool:
        """Say what comes next; a step that is done already says nothing of time."""
        now = time.monotonic()
        if self.begun is None:
            self.begun = now
        elif not done:
            each = (now - self.begun) / max(self.number - self.first, 1)
            what += f'; about {duration(each * (self.total - self.number))} left'
        else:
            self.begun, self.first = now, self.number + 1
        return super().announce(what, done)


@dataclass
class Benchmark:
    """A table on a data set.

    Attributes:
        table: Its number.
        rows: Its rows.
        data: The data set.
        seeds: Of training.
        work_dir: Gets a folder for the data set.
        search: Settings that are tried for each row; 0 keeps the defaults.
        iterations: Of training; None for those of the data set.
        searched_on: Data set whose finished search gives the settings, in place of a
            search on ``data``.
        searched_in: Work dir of that search, which may be of another length of
            training; None for ``work_dir``.
    """

    table: int
    rows: Sequence[Row]
    data: Data
    seeds: Sequence[int]
    work_dir: Path
    search: int = 0
    iterations: int | None = None
    searched_on: Data | None = None
    searched_in: Path | None = None
    _tuned: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def folder(self) -> Path:
        """Of everything that belongs to the data set."""
        return self.work_dir / self.data.name

    @property
    def searches(self) -> bool:
        """Whether settings are searched here, and not taken over or left alone."""
        return bool(self.search) and not self._takes_over

    @property
    def _takes_over(self) -> bool:
        return bool(self.searched_on or self.searched_in)

    def run(
        self, console: Console, tools: Path, environment: Mapping[str, str]
    ) -> None:
        """Do all that is not done yet.

        Raises:
            UserError: A folder holds a run with other settings, or a tool failed.
        """

        def waiting() -> None:
            console.print(
                f'{self.folder} is in use: waiting for the process that works there'
            )

        with Store(self.folder, waiting) as store:
            steps = TimedSteps(console, self._left(store), tools, environment)
            for row in self.rows:
                self._tune(row, store, steps)
            runs = {run.name: run for run in self._runs()}
            for run in runs.values():
                run.settle()
            study = store.study(f'table{self.table}')
            for trial in store.begin(study, list(runs)):
                run = runs[trial.user_attrs['key']]
                steps.announce(
                    f'{run.candidate.title}, {run.length} iterations', run.done
                )
                self._do(run, steps)
                value = run.candidate.metrics()['mots/sMOTSA']
                store.finish(study, trial, value, run.record())

    def results(self) -> list[report.RowResult]:
        """What the finished runs say, also while others run.

        Raises:
            UserError: A finished run had another length or other settings than are
                asked for.
        """
        for row in self.rows:
            if self._takes_over:
                self._take_over(row)
                continue
            study = open_study(self.folder, self._search(row).study_name)
            if self.search and self._search(row).left(study) < self.search:
                self._tuned[row.name] = self._search(row).best(study)
        done = records(open_study(self.folder, f'table{self.table}'))
        resampled, found = {}, []
        for row in self.rows:
            runs = {s: self._run(row, s) for s in self.seeds}
            kept = {s: done[run.name] for s, run in runs.items() if run.name in done}
            for seed, record in kept.items():
                runs[seed].check(record)
            resampled[row.name] = {s: _resampled(runs[s].videos_file) for s in kept}
            found.append(report.RowResult(row, kept, {}))
        for one in found:
            if one.row.name != OURS:
                one.differences = compare(resampled[one.row.name], resampled[OURS])
        return found

    def _do(self, run: Run, steps: Steps) -> None:
        """Train and test; of the first seed the weights on the way are tested, too."""
        if run.splits and run.seed == SEED and self.searches:
            search = self._search(run.row)
            run.adopt(search.training(run.tuned[LEARNING_RATE]))
        run.train(steps)
        run.test(steps)
        if run.seed == self.seeds[0]:
            run.curve(steps)

    def _tune(self, row: Row, store: Store, steps: Steps) -> None:
        """Search the settings of a row, or take over what was found elsewhere."""
        if self._takes_over:
            self._take_over(row)
        if not self.searches:
            return
        search = self._search(row)
        study = store.study(search.study_name)
        search.check(study)
        while left := search.left(study):
            number = self.search - left + 1
            steps.announce(f'{row.title}: setting {number} of {self.search}')
            search.step(store, study, steps)
        self._tuned[row.name] = search.best(study)

    def _take_over(self, row: Row) -> None:
        data = self.searched_on or self.data
        folder = (self.searched_in or self.work_dir) / data.name
        search = Search(row, data, folder, self.search)
        if not (folder / DATABASE).exists():
            raise UserError(
                f'{folder} holds no search: run --data {data.name} --search '
                f'{self.search} first, or name its --work-dir by --searched-in'
            )
        study = open_study(folder, search.study_name)
        self._tuned[row.name] = search.best_for(self.data, study)

    def _left(self, store: Store) -> int:
        """Number of searches and runs that are still to be done."""
        study = store.study(f'table{self.table}')
        total = len(self.rows) * len(self.seeds) - len(
            {run.name for run in self._runs()} & set(records(study))
        )
        if self.searches:
            for row in self.rows:
                search = self._search(row)
                total += search.left(store.study(search.study_name))
        return total

    def _search(self, row: Row) -> Search:
        return Search(row, self.data, self.folder, self.search, self.iterations)

    def _runs(self) -> list[Run]:
        """Seed by seed, so that a first whole table is there early."""
        return [self._run(row, seed) for seed in self.seeds for row in self.rows]

    def _run(self, row: Row, seed: int) -> Run:
        tuned = self._tuned.get(row.name, {})
        splits = None
        if self.search and not (self.searched_on or self.data.refit):
            train, _ = self._search(row).splits()
            splits = train, self.data.root / 'annotations' / 'val.json'
        return Run(row, seed, self.data, self.folder, tuned, self.iterations, splits)


def _resampled(path: Path) -> Mapping[str, Any]:
    classes, videos = read_video_results(path)
    return resample(classes, videos, draw_clips(len(videos)))
