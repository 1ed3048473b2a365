"""Leave one out: each fold is trained and tested, then all are judged as one test.

The annotation files are those of tools/dataset_converters/mots_challenge2coco.py:
``<fold>_train.json``, ``<fold>_val.json`` and ``all.json``.
"""

import copy
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from mmvist.evaluation import build_evaluator
from mmvist.evaluation.table import format_table

from .errors import UserError
from .launch import ann_file_of, check_data, inner_dataset
from .steps import Steps, keep_config

RATIOS = ('sMOTSA', 'MOTSA', 'MOTSP')
COUNTS = ('TP', 'FP', 'FN', 'IDS', 'GT')


@dataclass
class Fold:
    """One fold: the sequence ``name`` is tested, the others train.

    Attributes:
        name: Of the sequence.
        folder: Logs, checkpoints and results.
        checkpoint: Given weights; without them the fold is trained.
    """

    name: str
    folder: Path
    checkpoint: str | None = None

    @property
    def config(self) -> Path:
        """The fold's own config, beside its folder."""
        return self.folder.parent / f'{self.name}.py'

    @property
    def weights(self) -> str | None:
        """What is tested: given, or the last checkpoint of a finished training.

        Not the best in validation, which is the sequence that is left out.
        """
        if self.checkpoint:
            return self.checkpoint
        note = self.folder / 'trained.txt'
        return note.read_text().strip() if note.exists() else None

    @property
    def predictions(self) -> Path:
        """MOTS txt of the sequence."""
        return self.folder / 'results.mots' / f'{self.name}.txt'

    def result(self) -> dict[str, float] | None:
        """The numbers of the test, None where there are none of these weights."""
        path = self.folder / 'metrics.json'
        if not (self.weights and path.exists() and self.predictions.exists()):
            return None
        weights = Path(self.weights)
        if weights.exists() and weights.stat().st_mtime > path.stat().st_mtime:
            return None
        return json.loads(path.read_text())

    def train(self, steps: Steps, processes: int) -> None:
        """Train to the end, from the last checkpoint if there is one."""
        if not steps.announce(f'training without {self.name}', bool(self.weights)):
            return
        last = self.folder / 'last_checkpoint'
        resume = ['--resume'] if last.exists() else []
        if processes > 1:
            steps.run('dist_train.sh', self.config, processes, *resume)
        else:
            steps.run('train.py', self.config, *resume)
        if not last.exists():
            raise UserError(f'the training of {self.folder} has left no checkpoint')
        (self.folder / 'trained.txt').write_text(last.read_text())

    def test(self, steps: Steps) -> None:
        """Test the sequence that was left out."""
        if steps.announce(f'testing {self.name}', self.result() is not None):
            steps.run('test.py', self.config, self.weights)


def find_folds(cfg: Config) -> list[str]:
    """Names of the folds whose annotation files lie beside those of a config.

    Raises:
        UserError: There are fewer than two, or there is no ``all.json``.
    """
    folder = Path(ann_file_of(cfg.test_dataloader.dataset)).parent
    names = sorted(
        path.name.removesuffix('_val.json')
        for path in folder.glob('*_val.json')
        if path.with_name(path.name.replace('_val.json', '_train.json')).exists()
    )
    if len(names) < 2 or not (folder / 'all.json').exists():
        raise UserError(
            f'{folder} holds no folds (all.json, and <sequence>_train.json and '
            '<sequence>_val.json of each): make them with '
            'tools/dataset_converters/mots_challenge2coco.py'
        )
    return names


def settle_fold(cfg: Config, fold: Fold) -> Config:
    """The config of one fold.

    Args:
        cfg: Of any fold; it stays as it is.
        fold: The fold.

    Returns:
        A copy with the fold's annotation files and work dir, which tests for the
        MOTS numbers and writes the predictions too.

    Raises:
        UserError: A file that it reads does not exist.
    """
    cfg = copy.deepcopy(cfg)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        split = 'train' if loader.startswith('train') else 'val'
        if cfg.get(loader):
            dataset = inner_dataset(cfg[loader].dataset)
            name = f'{fold.name}_{split}.json'
            dataset['ann_file'] = str(Path(dataset['ann_file']).with_name(name))
    truth = ann_file_of(cfg.test_dataloader.dataset)
    metrics = cfg.get('val_evaluator') or []
    for metric in [metrics] if isinstance(metrics, Mapping) else metrics:
        metric['ann_file'] = truth
    cfg.test_evaluator = build_evaluator(
        ['mots'], ann_file=truth, outfile_prefix=str(fold.folder / 'results')
    )
    # variables of the config file, which the log would show with another fold
    cfg.update(
        {k: v for k, v in dict(fold=fold.name, ann_file=truth).items() if k in cfg}
    )
    cfg.work_dir = str(fold.folder)
    if fold.checkpoint:
        cfg.load_from = fold.checkpoint
    check_data(cfg, ['train_dataloader', 'test_dataloader'])
    return cfg


def run_folds(
    cfg: Config, folds: Sequence[Fold], steps: Steps, processes: int = 1
) -> None:
    """Train, where no weights are given, and test each fold that has no result.

    Args:
        cfg: Of any fold.
        folds: Those to run.
        steps: Runs the tools.
        processes: That train together.

    Raises:
        UserError: The data are not there, a fold has been run with other settings,
            or a tool failed.
    """
    for fold in folds:
        keep_config(settle_fold(cfg, fold), fold.config)
    for fold in folds:
        if not fold.checkpoint:
            fold.train(steps, processes)
        fold.test(steps)


def sum_folds(folds: Sequence[Fold], truth: Path, steps: Steps) -> dict[str, float]:
    """Judge the predictions of all folds as one test.

    Args:
        folds: All of them, each with a result.
        truth: Annotations of all sequences.
        steps: Runs the tools.

    Returns:
        ``mots/...`` of all sequences together, counts summed and ratios of the
        sums, and ``<fold>/mots/...`` of each.

    Raises:
        UserError: The counts are not the sums of those of the folds: the data have
            been changed between two tests.
    """
    work_dir = folds[0].folder.parent
    together = work_dir / 'results.mots'
    together.mkdir(exist_ok=True)
    for fold in folds:
        shutil.copyfile(fold.predictions, together / fold.predictions.name)
    steps.announce('all sequences as one test')
    output = '--work-dir', work_dir / 'all'
    steps.run('evaluate.py', together, truth, '--metrics', 'mots', *output)
    numbers = json.loads((work_dir / 'all' / 'metrics.json').read_text())
    parts = {fold.name: fold.result() or {} for fold in folds}
    for count in COUNTS:
        key = f'mots/{count}'
        total = sum(part[key] for part in parts.values())
        if numbers[key] != total:
            raise UserError(
                f'{truth}: {count} is {numbers[key]}, but {total} over the folds; '
                f'the data have been changed since: remove {work_dir}'
            )
    for name, part in parts.items():
        numbers.update({f'{name}/{key}': value for key, value in part.items()})
    return numbers


def table_of(numbers: Mapping[str, float], folds: Sequence[Fold]) -> str:
    """The numbers of :func:`sum_folds` as the paper's table 1(c) has them."""
    columns = (*RATIOS, *COUNTS)
    rows = [
        [fold.name, *(numbers[f'{fold.name}/mots/{name}'] for name in columns)]
        for fold in folds
    ]
    rows.append(['all', *(numbers[f'mots/{name}'] for name in columns)])
    return format_table('Leave one out', ['tested', *columns], rows)
