"""The folds of MOTSChallenge: trained, tested, summed, and not run twice."""

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mmengine.config import Config
from rich.console import Console
from tiny_vist import CONFIGS, set_classes, tiny_config
from ytvis_kit import SHOWS_ALL

from mmvist.datasets.converters import (
    MOTS_CHALLENGE_TRAIN,
    convert_mots_challenge,
    leave_one_out,
    write_json,
)
from mmvist.datasets.converters.cocovid import encode_mask
from mmvist.engine.errors import UserError
from mmvist.engine.folds import COUNTS, Fold, sum_folds, table_of
from mmvist.engine.steps import Steps
from mmvist.testing import TOY_SIZE, write_toy_mots_challenge

TOOLS = Path(__file__).parents[2] / 'tools'
CONFIG = (
    CONFIGS / 'vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_motschallenge_fold-02.py'
)


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f'{name}_tool', TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class InThisProcess(Steps):
    """Runs the tools where it is: a process of its own costs seconds."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.ran: list[list[str]] = []

    def run(self, script: str, *arguments: object) -> None:
        words = [str(word) for word in arguments]
        self.ran.append([script, *words])
        tool(script.removesuffix('.py')).main(words)


def write_data(root: Path, sequences: Sequence[str]) -> Path:
    """The toy video in MOTSChallenge layout; returns the annotations' folder."""
    write_toy_mots_challenge(root / 'train', sequences)
    files = {'all': list(sequences)}
    for name, (others, one) in leave_one_out(sequences).items():
        files |= {f'{name}_train': others, f'{name}_val': [one]}
    for name, parts in files.items():
        content = convert_mots_challenge(root / 'train', parts, check_pixels=False)
        write_json(content, root / 'annotations' / f'{name}.json')
    return root / 'annotations'


# ----------------------------------------------------- the sum, without a model

CORNER = np.zeros(TOY_SIZE, dtype=bool)
CORNER[:8, :2] = True  # no object is there
FALSE_MASK = encode_mask(CORNER)['counts'].decode()


@pytest.fixture(scope='module')
def tested(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Fold], Path]:
    """Four folds whose predictions are the truth with faults of each kind."""
    root = tmp_path_factory.mktemp('folds')
    annotations = write_data(root, MOTS_CHALLENGE_TRAIN)
    folds = []
    for number, name in enumerate(MOTS_CHALLENGE_TRAIN):
        fold = Fold(name, root / 'work' / name, checkpoint='https://a/weights.pth')
        lines = (root / 'train' / name / 'gt/gt.txt').read_text().splitlines()
        words = [line.split() for line in lines]
        for line in words[len(words) // 2 :]:
            line[1] = str(int(line[1]) + 10)  # identities change in the middle
        del words[: number + 1]  # missed
        words.append([*words[-1][:1], '2099', '2', *words[-1][3:5], FALSE_MASK])
        fold.predictions.parent.mkdir(parents=True)
        fold.predictions.write_text(''.join(' '.join(w) + '\n' for w in words))
        folds.append(fold)
        steps = InThisProcess(Console(quiet=True), 1, TOOLS)
        where = fold.predictions.parent, annotations / f'{name}_val.json'
        steps.run('evaluate.py', *where, '--metrics', 'mots', '--work-dir', fold.folder)
    return folds, annotations / 'all.json'


def test_the_sum_is_that_of_one_test(tested: tuple[list[Fold], Path]) -> None:
    """Counts add up, and the ratios are those of the sums."""
    folds, truth = tested
    numbers = sum_folds(folds, truth, InThisProcess(Console(quiet=True), 1, TOOLS))
    parts = [fold.result() for fold in folds]
    for count in COUNTS:
        assert numbers[f'mots/{count}'] == sum(part[f'mots/{count}'] for part in parts)
        assert numbers[f'mots/{count}'] > 0, 'a test of nothing'
    assert numbers['mots/FP'] == 4 and numbers['mots/FN'] == 1 + 2 + 3 + 4
    tp, fp, ids, gt = (numbers[f'mots/{name}'] for name in ('TP', 'FP', 'IDS', 'GT'))
    # the masks that hit are exact
    expected = (tp - fp - ids) / gt
    assert numbers['mots/sMOTSA'] == pytest.approx(expected, abs=1e-12)
    assert numbers['mots/MOTSA'] == pytest.approx(expected, abs=1e-12)
    assert numbers['mots/MOTSP'] == pytest.approx(1)
    mean = sum(part['mots/MOTSA'] for part in parts) / 4
    assert abs(numbers['mots/MOTSA'] - mean) > 1e-3, 'no mean of the folds'
    assert numbers['MOTS20-09/mots/FN'] == 3


def test_the_table(tested: tuple[list[Fold], Path]) -> None:
    folds, truth = tested
    numbers = sum_folds(folds, truth, InThisProcess(Console(quiet=True), 1, TOOLS))
    title, header, _, *rows = table_of(numbers, folds).splitlines()
    assert header.split() == ['tested', 'sMOTSA', 'MOTSA', 'MOTSP', *COUNTS]
    assert [row.split()[0] for row in rows] == [*MOTS_CHALLENGE_TRAIN, 'all']
    assert [int(word) for word in rows[-1].split()[4:]] == [
        numbers[f'mots/{count}'] for count in COUNTS
    ]


def test_folds_of_other_data_are_not_summed(tested: tuple[list[Fold], Path]) -> None:
    folds, truth = tested
    path = folds[1].folder / 'metrics.json'
    before = path.read_text()
    numbers = json.loads(before)
    path.write_text(json.dumps(numbers | {'mots/TP': numbers['mots/TP'] + 1}))
    try:
        with pytest.raises(UserError, match='TP is .* over the folds; the data have'):
            sum_folds(folds, truth, InThisProcess(Console(quiet=True), 1, TOOLS))
    finally:
        path.write_text(before)


# ------------------------------------------------------------ the tool, trained

TWO = MOTS_CHALLENGE_TRAIN[:2]


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data of two folds and a config that takes seconds."""
    root = tmp_path_factory.mktemp('data')
    write_data(root / 'data', TWO)
    cfg = Config.fromfile(CONFIG)
    cfg.model = set_classes(tiny_config(tracker=SHOWS_ALL), 1)
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=3)
    cfg.train_dataloader.dataset.pipeline[1].transforms[2].scale = (96, 64)
    cfg.test_dataloader.dataset.pipeline[0].transforms[1].scale = (96, 64)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.num_workers, loader.persistent_workers = 0, False
        loader.dataset.data_root = str(root / 'data')
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1)
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=1, save_optimizer=False
    )
    cfg.dump(str(root / 'tiny.py'))
    return root


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """The tool in this process; gives the command lines that it ran."""

    def run(*args: object) -> list[list[str]]:
        module, made = tool('mots_challenge_folds'), []

        class Noted(InThisProcess):
            def __init__(self, *args: object) -> None:
                super().__init__(*args)
                made.append(self)

        monkeypatch.setattr(module, 'Steps', Noted)
        module.main([str(word) for word in args])
        return made[0].ran

    return run


def scripts(ran: list[list[str]]) -> list[str]:
    return [words[0] for words in ran]


def test_train_test_sum_and_not_again(
    data: Path, folds: Callable[..., list[list[str]]], capsys: pytest.CaptureFixture
) -> None:
    work = data / 'work'
    args = data / 'tiny.py', '--work-dir', work
    # one fold on one machine
    ran = folds(*args, '--folds', 'MOTS20-05')
    assert scripts(ran) == ['train.py', 'test.py']
    assert 'the sum has to wait for MOTS20-02' in capsys.readouterr().out
    assert not (work / 'metrics.json').exists()
    # the rest
    ran = folds(*args)
    assert scripts(ran) == ['train.py', 'test.py', 'evaluate.py']
    assert ran[1][1:] == [
        str(work / 'MOTS20-02.py'),
        str(work / 'MOTS20-02/iter_1.pth'),
    ]
    numbers = json.loads((work / 'metrics.json').read_text())
    assert numbers['mots/GT'] == 13 + 10 and numbers['mots/FP'] > 0
    for count in COUNTS:
        parts = [numbers[f'{name}/mots/{count}'] for name in TWO]
        assert numbers[f'mots/{count}'] == sum(parts)
    said = capsys.readouterr().out
    assert said.count('there already') == 2
    assert f'metrics are in {work / "metrics.json"}' in said
    # each was trained without the sequence that it was tested on
    cfg = Config.fromfile(work / 'MOTS20-05.py')
    assert cfg.train_dataloader.dataset.ann_file == 'annotations/MOTS20-05_train.json'
    assert cfg.test_dataloader.dataset.ann_file == 'annotations/MOTS20-05_val.json'
    assert 'MOTS20-02' not in (work / 'MOTS20-05.py').read_text()
    # nothing is left to do but the sum; a lost result comes back alone
    assert scripts(folds(*args)) == ['evaluate.py']
    (work / 'MOTS20-02/metrics.json').unlink()
    assert scripts(folds(*args)) == ['test.py', 'evaluate.py']
    # given weights are tested, not trained; {fold} is the sequence
    weights = work / '{fold}' / 'iter_1.pth'
    other = data / 'other'
    ran = folds(data / 'tiny.py', '--work-dir', other, '--checkpoint', weights)
    assert scripts(ran) == ['test.py', 'test.py', 'evaluate.py']
    again = json.loads((other / 'metrics.json').read_text())
    assert again == numbers


class Fake(Steps):
    """Runs nothing."""

    def run(self, script: str, *arguments: object) -> None:
        self.ran = [script, *map(str, arguments)]


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    fold = Fold('MOTS20-02', tmp_path / 'MOTS20-02')
    steps = Fake(Console(quiet=True), 1, TOOLS)
    fold.folder.mkdir()
    with pytest.raises(UserError, match='has left no checkpoint'):
        fold.train(steps, processes=1)
    assert steps.ran == ['train.py', str(fold.config)]
    (fold.folder / 'last_checkpoint').write_text('epoch_3.pth')
    assert fold.weights is None, 'not at its end'
    fold.train(steps, processes=4)
    assert steps.ran == ['dist_train.sh', str(fold.config), '4', '--resume']
    assert fold.weights == 'epoch_3.pth'


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('--folds', 'MOTS20-03'), 'no fold MOTS20-03; there are MOTS20-02, MOTS20-05'),
        (('--checkpoint', 'none/{fold}.pth'), 'none/MOTS20-02.pth does not exist'),
        (
            ('--cfg-options', 'test_dataloader.dataset.data_root=none'),
            'none/annotations holds no folds .*mots_challenge2coco.py',
        ),
    ],
)
def test_mistakes(
    data: Path,
    folds: Callable[..., list[list[str]]],
    tmp_path: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(UserError, match=message):
        folds(data / 'tiny.py', '--work-dir', tmp_path / 'work', *args)
    assert not (tmp_path / 'work').exists()


def test_other_settings_need_another_folder(
    data: Path, folds: Callable[..., list[list[str]]], tmp_path: Path
) -> None:
    (tmp_path / 'MOTS20-02.py').write_text('model = dict()\n')
    with pytest.raises(UserError, match='holds a run with other settings'):
        folds(data / 'tiny.py', '--work-dir', tmp_path, '--folds', 'MOTS20-02')
