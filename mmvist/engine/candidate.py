"""A model that is trained and tested by the tools, and compared with others.

Both can be stopped at any time and taken up again by the same call.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from .errors import UserError
from .launch import inner_dataset, read_config
from .steps import Steps, Usage, keep_config


@dataclass
class Candidate:
    """One model of a comparison.

    Attributes:
        title: For people.
        base: Its config.
        folder: Gets logs, checkpoints and ``metrics.json``; beside it lies the
            config that is really used.
    """

    title: str
    base: Path
    folder: Path

    @property
    def config(self) -> Path:
        """The config with the settings of the comparison, see :meth:`keep`."""
        return self.folder.parent / f'{self.folder.name}.py'

    @property
    def checkpoint(self) -> Path:
        """The weights at the end of training."""
        return self.folder / f'iter_{read_config(self.config).train_cfg.max_iters}.pth'

    def read(self, data_root: Path, seed: int, iterations: int | None = None) -> Config:
        """The config, settled for data, seed and length of training.

        Nothing is validated during training, and the terminal shows a bar.

        Args:
            data_root: Of the data set; annotations are ``annotations/val.json``
                and what the config names for training.
            seed: Of training.
            iterations: The schedule is stretched to so many; None leaves it.
        """
        cfg = read_config(self.base)
        for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
            inner_dataset(loader.dataset)['data_root'] = str(data_root)
        cfg.test_evaluator = cfg.test_evaluator[:]
        for metric in cfg.test_evaluator:
            metric.ann_file = str(data_root / 'annotations' / 'val.json')
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.train_cfg.pop('val_interval', None)
        cfg.randomness = dict(seed=seed)
        cfg.console_log_level = 'ERROR'
        cfg.custom_hooks = [
            *cfg.get('custom_hooks', []),
            dict(type='mmvist.ProgressBarHook', title=self.title),
        ]
        if iterations is not None:
            set_iterations(cfg, iterations)
        return cfg

    def keep(self, cfg: Config) -> None:
        """Write the config that training and testing use.

        Raises:
            UserError: The folder holds a run with other settings.
        """
        keep_config(cfg, self.config)

    def train(self, steps: Steps) -> Usage | None:
        """Train to the end, from the last checkpoint if there is one.

        Returns:
            What it took; None where the training was done before.
        """
        if self.checkpoint.exists():
            return None
        begun = (self.folder / 'last_checkpoint').exists()
        return steps.run(
            'train.py',
            *(self.config, '--work-dir', self.folder),
            *(['--resume'] if begun else []),
        )

    def tested(self) -> bool:
        """Whether ``metrics.json`` is that of the last weights."""
        path = self.folder / 'metrics.json'
        return (
            path.exists()
            and self.checkpoint.exists()
            and path.stat().st_mtime > self.checkpoint.stat().st_mtime
        )

    def test(self, steps: Steps, *options: str) -> Usage | None:
        """Test the last weights.

        Args:
            steps: Runs the tool.
            *options: Of ``tools/test.py``.

        Returns:
            What it took; None where it was done before.
        """
        if self.tested():
            return None
        return steps.run(
            'test.py',
            *(self.config, self.checkpoint, '--work-dir', self.folder),
            *options,
        )

    def metrics(self) -> dict[str, float]:
        """The numbers of the test.

        Raises:
            UserError: There are none.
        """
        path = self.folder / 'metrics.json'
        if not path.exists():
            raise UserError(f'{path} does not exist: the test has not been run')
        return json.loads(path.read_text())

    def training_seconds(self) -> float:
        """Time of all iterations, over all interruptions, from the logs.

        What was done twice after an interruption counts once.
        """
        return training_seconds(sorted(self.folder.glob('*/vis_data/scalars.json')))


def training_seconds(logs: Sequence[Path]) -> float:
    """Sum of the time of the iterations that some log files tell.

    Args:
        logs: MMEngine's ``scalars.json`` of one training, oldest first.
    """
    seconds: dict[int, float] = {}
    for path in logs:
        lines = (json.loads(line) for line in path.read_text().splitlines() if line)
        for line in lines:
            if 'loss' in line and 'time' in line:
                seconds[line['iter']] = line['time']
    before, total = 0, 0.0
    for iteration, each in sorted(seconds.items()):
        total += each * (iteration - before)
        before = iteration
    return total


def set_iterations(cfg: Config, iterations: int) -> None:
    """Train for that many iterations, the schedule stretched along.

    Args:
        cfg: Is changed; it counts in iterations.
        iterations: At least 1.
    """
    share = iterations / cfg.train_cfg.max_iters
    if share == 1:
        return
    cfg.train_cfg.max_iters = iterations
    for scheduler in cfg.param_scheduler:
        for key in ('begin', 'end', 'T_max'):
            if key in scheduler:
                scheduler[key] = round(scheduler[key] * share)
        scheduler.end = max(scheduler.end, scheduler.begin + 1)
        if 'T_max' in scheduler:
            scheduler.T_max = max(scheduler.T_max, 1)
