"""One run: a row trained and tested with one seed, kept in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvist.engine.candidate import Candidate
from mmvist.engine.errors import UserError
from mmvist.engine.launch import ann_file_of, inner_dataset, read_config
from mmvist.engine.steps import Steps
from mmvist.evaluation import build_evaluator
from mmvist.files import whole_file

from .rows import Data, Row

CURVE = 4
"""Points of the plot over training; the last one is the test itself."""
CHECKPOINT = 500
"""An interrupted training loses at most so many iterations."""


@dataclass
class Run:
    """A row with a seed.

    Attributes:
        row: The row.
        seed: Of training.
        data: The data set.
        folder: Of all runs of the data set.
        tuned: Settings that the search has found best.
        iterations: Of training; by default those of the data set.
        splits: Annotation files to train and to test on in place of ``train.json``
            and ``val.json``.
    """

    row: Row
    seed: int
    data: Data
    folder: Path
    tuned: Mapping[str, Any] = field(default_factory=dict)
    iterations: int | None = None
    splits: tuple[Path, Path] | None = None

    @property
    def name(self) -> str:
        """Of its folder, and its key in the store."""
        return f'{self.row.name}/seed{self.seed}'

    @cached_property
    def candidate(self) -> Candidate:
        """What trains and tests."""
        return Candidate(
            f'{self.row.title}, seed {self.seed}',
            self.row.path(self.data),
            self.folder / self.name,
        )

    @property
    def length(self) -> int:
        """Iterations of training."""
        return self.iterations or self.data.iterations

    def settle(self) -> None:
        """Write the config of the run.

        Raises:
            UserError: The folder holds a run with other settings.
        """
        one = self.candidate
        cfg = one.read(self.data.root, self.seed, self.length)
        cfg.merge_from_dict(self._settings)
        hook = cfg.default_hooks.checkpoint
        hook.update(interval=self._interval(), max_keep_ckpts=-1)
        hook.pop('save_best', None)
        if self.splits:
            train, test = (str(path.resolve()) for path in self.splits)
            inner_dataset(cfg.train_dataloader.dataset)['ann_file'] = train
            inner_dataset(cfg.test_dataloader.dataset)['ann_file'] = test
        self._judge(cfg, ['track_segm'], one.folder)
        one.keep(cfg)

    def train(self, steps: Steps) -> None:
        """Train; checkpoints that the curve does not need are removed."""
        if not self.candidate.checkpoint.exists():
            # of an interrupted one there may be several
            known, now = self._notes().get('revision', ''), revision()
            if now not in known.split(', '):
                self._keep(revision=', '.join(filter(None, (known, now))))
        usage = self.candidate.train(steps)
        if usage is not None:
            self._note('training_memory', usage.memory)
        wanted = {*self.points(), self.length}
        for path in self.candidate.folder.glob('iter_*.pth'):
            if int(path.stem.removeprefix('iter_')) not in wanted:
                path.unlink()

    def adopt(self, other: Run) -> None:
        """Take a finished training for its own; both keep their files."""
        done, mine = other.candidate.checkpoint, self.candidate.folder
        if self.candidate.checkpoint.exists():
            return
        shutil.copytree(
            done.parent,
            mine,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(done.name),
            copy_function=_link,
        )
        # last: where it is, all is
        _link(done, mine / done.name)

    def test(self, steps: Steps) -> None:
        """Test the last weights."""
        usage = self.candidate.test(steps)
        if usage is not None:
            self._note('test_memory', usage.memory)
            self._note('test_seconds', usage.seconds)

    def points(self) -> list[int]:
        """Iterations at which the curve is taken, without the last."""
        interval = self._interval()
        every = self.length / CURVE
        points = {interval * round(every * i / interval) for i in range(1, CURVE)}
        return sorted(points - {0, self.length})

    def _interval(self) -> int:
        """Of checkpoints: a part of the distance of two points of the curve."""
        every = max(1, self.length // CURVE)
        return max(1, every // -(-every // CHECKPOINT))

    def curve(self, steps: Steps) -> None:
        """Test the weights of the points on the way; what is there stays."""
        for point in self.points():
            if self.curve_file(point).exists():
                continue
            cfg = read_config(self.candidate.config)
            checkpoint = self.candidate.folder / f'iter_{point}.pth'
            self.test_as(cfg, checkpoint, self.curve_file(point).parent, steps)

    def test_as(
        self, cfg: Config, checkpoint: Path, folder: Path, steps: Steps
    ) -> dict[str, float]:
        """Test weights with a config by MOTS alone; ``folder`` gets the numbers."""
        self._judge(cfg, ['mots'], folder)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / 'config.py'
        cfg.dump(config)
        steps.run('test.py', config, checkpoint, '--work-dir', folder)
        return json.loads((folder / 'metrics.json').read_text())

    def curve_file(self, point: int) -> Path:
        """The numbers of a point of the curve."""
        return self.candidate.folder / 'curve' / f'iter_{point}' / 'metrics.json'

    @property
    def videos_file(self) -> Path:
        """What was counted in each video of the test."""
        return self.candidate.folder / 'videos.json'

    @property
    def done(self) -> bool:
        """Whether the run is trained and tested."""
        return self.candidate.config.exists() and self.candidate.tested()

    def record(self) -> dict[str, Any]:
        """All that is to be kept of a finished run."""
        curve = {
            point: json.loads(self.curve_file(point).read_text())['mots/sMOTSA']
            for point in self.points()
            if self.curve_file(point).exists()
        }
        metrics = self.candidate.metrics()
        if curve:
            curve[self.length] = metrics['mots/sMOTSA']
        return dict(
            row=self.row.name,
            seed=self.seed,
            data=str(self.data.root),
            iterations=self.length,
            settings=self._settings,
            config=str(self.candidate.config),
            metrics=metrics,
            curve=curve,
            training_seconds=self.candidate.training_seconds(),
            **self._notes(),
        )

    def check(self, record: Mapping[str, Any]) -> None:
        """Whether :meth:`record` was made by a run like this one.

        Raises:
            UserError: It had another length or other settings.
        """
        mine = dict(iterations=self.length, settings=self._settings)
        for what, asked in mine.items():
            if record[what] != json.loads(json.dumps(asked)):
                raise UserError(
                    f'{self.candidate.folder} was run with {what} {record[what]}, '
                    f'asked for are {asked}: say --max-iters, --search and '
                    '--searched-... as then, or choose another --work-dir'
                )

    @property
    def _settings(self) -> dict[str, Any]:
        return {**self.row.changes, **self.tuned}

    def _judge(self, cfg: Config, names: list[str], folder: Path) -> None:
        truth = ann_file_of(cfg.test_dataloader.dataset)
        cfg.test_evaluator = build_evaluator(
            names, ann_file=truth, outfile_prefix=str(folder / 'results')
        )
        for metric in cfg.test_evaluator:
            if metric['type'] == 'mmvist.MOTSMetric':
                metric['videos_file'] = str(folder / 'videos.json')

    def _note(self, key: str, value: float) -> None:
        """Keep a number; of several processes the most counts."""
        self._keep(**{key: max(value, self._notes().get(key, 0.0))})

    def _keep(self, **notes: Any) -> None:
        with whole_file(self._notes_file) as part:
            part.write_text(json.dumps(self._notes() | notes))

    def _notes(self) -> dict[str, Any]:
        path = self._notes_file
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def _notes_file(self) -> Path:
        return self.candidate.folder / 'usage.json'


def _link(source: str | os.PathLike, target: str | os.PathLike) -> None:
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


def revision() -> str:
    """The git revision of the code, with ``-dirty`` where files were changed."""
    command = ['git', 'describe', '--always', '--dirty', '--abbrev=12']
    found = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return found.stdout.strip() or 'unknown'
