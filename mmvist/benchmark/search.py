"""A capped search of learning rate and score thresholds, of one size for every row.

Part of the training videos is held out; a row is trained on the rest once for each
learning rate and judged by overall sMOTSA on what is held out. The settings are drawn
at random from the row's own grid, the defaults first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from mmvist.datasets.converters import write_json
from mmvist.datasets.converters.held_out import held_out_by_hash
from mmvist.engine.errors import UserError
from mmvist.engine.launch import read_config
from mmvist.engine.steps import Steps

from .rows import Data, Row
from .run import Run
from .store import Store

LEARNING_RATE = 'optim_wrapper.optimizer.lr'
SEED = 0
"""Of the trainings of a search."""
HELD_OUT = 6
"""One of so many training videos is held out."""


@dataclass
class Search:
    """The search of one row.

    Attributes:
        row: The row.
        data: The data set.
        folder: Of all runs of the data set.
        size: Number of settings.
        iterations: Of training, see :class:`Run`.
    """

    row: Row
    data: Data
    folder: Path
    size: int
    iterations: int | None = None

    @property
    def study_name(self) -> str:
        """In the store; the search of another size is another one."""
        return f'search-{self.row.name}-{self.size}'

    def splits(self) -> tuple[Path, Path]:
        """Annotation files of the videos that train and of those held out."""
        return split_videos(
            self.data.root / 'annotations' / 'train.json', self.folder / 'search'
        )

    def left(self, study: optuna.Study) -> int:
        """How many settings have not been tried."""
        done = study.get_trials(states=[TrialState.COMPLETE])
        return max(0, self.size - len(done))

    def step(self, store: Store, study: optuna.Study, steps: Steps) -> None:
        """Try one more setting."""
        defaults = {name: values[0] for name, values in self._grid().items()}
        if not study.get_trials():
            study.enqueue_trial(defaults)
        # by what is done: a search that was interrupted draws what it would have drawn
        seed = self.size - self.left(study)
        study.sampler = optuna.samplers.RandomSampler(seed=seed)
        trial = study.ask()
        settings = {
            name: trial.suggest_categorical(name, list(values))
            for name, values in self._grid().items()
        }
        metrics = self._try(trial, settings, steps)
        record = dict(settings=settings, metrics=metrics, iterations=self.length)
        store.finish(study, trial, metrics['mots/sMOTSA'], record)

    @property
    def length(self) -> int:
        """Iterations of each training."""
        return self.iterations or self.data.iterations

    def check(self, study: optuna.Study) -> None:
        """Whether what has been tried so far was trained for this length.

        Raises:
            UserError: It was another one.
        """
        for trial in study.get_trials(states=[TrialState.COMPLETE]):
            known = trial.user_attrs['record'].get('iterations', self.length)
            if known != self.length:
                raise UserError(
                    f'{self.row.title} was searched with trainings of {known} '
                    f'iterations in {self.folder}, asked for are {self.length}: say '
                    '--max-iters as then, or choose another --work-dir, with '
                    '--searched-in for settings of this one'
                )

    def best(self, study: optuna.Study) -> dict[str, Any]:
        """The settings with the highest sMOTSA."""
        return dict(study.best_trial.user_attrs['record']['settings'])

    def best_for(self, data: Data, study: optuna.Study) -> dict[str, Any]:
        """:meth:`best` on another data set: the learning rate as often its config's.

        Raises:
            UserError: This search is not finished.
        """
        if self.left(study):
            raise UserError(
                f'{self.row.title} has not been searched on {self.data.name}: run '
                f'--data {self.data.name} --search {self.size} first'
            )
        best = self.best(study)
        here, there = (_learning_rate(self.row, one) for one in (self.data, data))
        return {**best, LEARNING_RATE: best[LEARNING_RATE] / here * there}

    def _grid(self) -> dict[str, tuple[Any, ...]]:
        base = _learning_rate(self.row, self.data)
        rates = tuple(base * factor for factor in self.data.rate_factors)
        return {LEARNING_RATE: rates, **self.row.thresholds}

    def training(self, rate: float) -> Run:
        """That of all settings with a learning rate."""
        return Run(
            replace(self.row, name=f'search/{self.row.name}/lr{rate:g}'),
            SEED,
            self.data,
            self.folder,
            {LEARNING_RATE: rate},
            self.iterations,
            self.splits(),
        )

    def _try(
        self, trial: Trial, settings: Mapping[str, Any], steps: Steps
    ) -> dict[str, float]:
        """Train with the learning rate, unless that is done, and test."""
        trained = self.training(settings[LEARNING_RATE])
        trained.settle()
        trained.train(steps)
        cfg = read_config(trained.candidate.config)
        cfg.merge_from_dict(dict(settings))
        folder = self.folder / 'search' / self.row.name / f'trial{trial.number:02}'
        return trained.test_as(cfg, trained.candidate.checkpoint, folder, steps)


def _learning_rate(row: Row, data: Data) -> float:
    return read_config(row.path(data)).optim_wrapper.optimizer.lr


def split_videos(ann_file: Path, folder: Path) -> tuple[Path, Path]:
    """Cut an annotation file in two by its videos.

    Args:
        ann_file: CocoVID-style json.
        folder: Gets ``train.json`` and ``held_out.json``; what is there stays.

    Returns:
        The two files.
    """
    paths = folder / 'train.json', folder / 'held_out.json'
    if all(path.exists() for path in paths):
        return paths
    data = json.loads(ann_file.read_text())
    names = [video['name'] for video in data['videos']]
    held_out = set(held_out_by_hash(names, max(1, len(names) // HELD_OUT)))
    for path, wanted in zip(paths, (False, True), strict=True):
        videos = [v for v in data['videos'] if (v['name'] in held_out) == wanted]
        ids = {video['id'] for video in videos}
        images = [image for image in data['images'] if image['video_id'] in ids]
        shown = {image['id'] for image in images}
        annotations = [a for a in data['annotations'] if a['image_id'] in shown]
        content = dict(videos=videos, images=images, annotations=annotations)
        write_json({**data, **content}, path, force=True)
    return paths
