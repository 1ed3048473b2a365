"""The runner of the tables: what runs, what is kept, what happens after a kill."""

import inspect
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.config import Config
from rich.console import Console
from test_comparison import CLASSES, judged

from mmvist.benchmark import tables
from mmvist.benchmark.report import as_json, markdown, write
from mmvist.benchmark.rows import CONFIGS, OURS, TABLES, Data, choose_rows, find_data
from mmvist.benchmark.run import Run
from mmvist.benchmark.search import LEARNING_RATE, split_videos
from mmvist.benchmark.store import Store, open_study
from mmvist.engine.errors import UserError
from mmvist.engine.steps import Usage
from mmvist.evaluation.video_results import write_video_results
from mmvist.registry import MODELS


class Killed(BaseException):
    """The end of the process, as far as one can test it in one."""


class FakeTools(tables.TimedSteps):
    """Leaves what the tools leave; a row's sMOTSA depends on its settings."""

    ran: list[tuple[str, ...]] = []
    dies_at: int | None = None

    def run(self, script: str, *arguments: object) -> Usage:
        words = [str(word) for word in arguments]
        if len(self.ran) == self.dies_at:
            raise Killed
        self.ran.append((script, *words))
        cfg = Config.fromfile(words[0])
        folder = Path(words[words.index('--work-dir') + 1])
        folder.mkdir(parents=True, exist_ok=True)
        if script == 'train.py':
            length, hook = cfg.train_cfg.max_iters, cfg.default_hooks.checkpoint
            for i in (*range(hook.interval, length, hook.interval), length):
                (folder / f'iter_{i}.pth').touch()
            (folder / 'last_checkpoint').write_text(str(folder / f'iter_{length}.pth'))
            log = folder / '2020' / 'vis_data' / 'scalars.json'
            log.parent.mkdir(parents=True)
            log.write_text(json.dumps(dict(loss=1.0, time=0.5, iter=length)) + '\n')
            return Usage(3.0, 100.0)
        assert Path(words[1]).exists(), 'tested without weights'
        skill = 0.9 if cfg.model.get('with_corr', True) else 0.5
        skill -= abs(cfg.model.tracker.get('keep_score_thr', 0.4) - 0.2)
        (metric,) = [m for m in cfg.test_evaluator if 'videos_file' in m]
        seed = cfg.randomness.seed
        write_video_results(metric.videos_file, CLASSES, judged(seed, 1 - skill))
        numbers = {'mots/sMOTSA': skill + seed / 100, 'mots/IDS': 3, 'mots/GT': 60}
        numbers['mots/car/GT'] = 30
        (folder / 'metrics.json').write_text(json.dumps(numbers))
        return Usage(2.0, 80.0)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """Annotations of twelve empty videos."""
    folder = tmp_path / 'data' / 'annotations'
    folder.mkdir(parents=True)
    content = dict(
        videos=[dict(id=i, name=f'{i:04}') for i in range(12)],
        images=[dict(id=i, video_id=i // 2, frame_id=i % 2) for i in range(24)],
        annotations=[dict(id=i, image_id=i) for i in range(24)],
        categories=[dict(id=1, name='car')],
    )
    for split in ('train', 'val'):
        (folder / f'{split}.json').write_text(json.dumps(content))
    return Data('toy', tmp_path / 'data', 'synthetic', 20)


@pytest.fixture(autouse=True)
def fake_tools(monkeypatch: pytest.MonkeyPatch) -> type[FakeTools]:
    monkeypatch.setattr(FakeTools, 'ran', [])
    monkeypatch.setattr(FakeTools, 'dies_at', None)
    monkeypatch.setattr(tables, 'TimedSteps', FakeTools)
    return FakeTools


def benchmark(
    data: Data, tmp_path: Path, seeds: Sequence[int] = (0, 1), **more: Any
) -> tables.Benchmark:
    rows = choose_rows(2, ['no-corr'])
    return tables.Benchmark(2, rows, data, seeds, tmp_path / 'work', **more)


def go(one: tables.Benchmark) -> str:
    console = Console(record=True, width=200, quiet=False)
    with console.capture():
        one.run(console, CONFIGS, {})
    return console.export_text()


def test_every_row_is_trained_and_tested_once(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools]
) -> None:
    go(benchmark(data, tmp_path))
    trained = [words for script, *words in fake_tools.ran if script == 'train.py']
    names = [Path(words[0]).relative_to(tmp_path / 'work/toy') for words in trained]
    assert [str(name) for name in names] == [
        f'{row}/seed{seed}.py' for seed in (0, 1) for row in ('vae-vist', 'no-corr')
    ]
    for words in trained:
        cfg = Config.fromfile(words[0])
        assert cfg.train_cfg.max_iters == 20
        assert cfg.model.get('with_corr', True) == ('no-corr' not in words[0])
        assert cfg.val_dataloader is None
    # the curve of the first seed: three points, then the test itself
    assert len(fake_tools.ran) == 4 + 4 + 2 * 3
    go(benchmark(data, tmp_path))
    assert len(fake_tools.ran) == 14, 'nothing is done twice'
    go(benchmark(data, tmp_path, seeds=(0, 1, 2)))
    assert len(fake_tools.ran) == 14 + 4
    left = sorted(p.name for p in (tmp_path / 'work/toy/no-corr/seed2').glob('*.pth'))
    assert left == ['iter_10.pth', 'iter_15.pth', 'iter_20.pth', 'iter_5.pth']


@pytest.mark.parametrize('moment', range(9))
def test_killed_at_any_tool_it_goes_on(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools], moment: int
) -> None:
    fake_tools.dies_at = moment
    with pytest.raises(Killed):
        go(benchmark(data, tmp_path, seeds=[0], search=2))
    done = len(fake_tools.ran)
    assert done == moment
    fake_tools.dies_at = None
    go(benchmark(data, tmp_path, seeds=[0], search=2))
    commands = fake_tools.ran
    # a search of two settings for each of two rows, then train, test, three points
    rates = len({c for c in commands if c[0] == 'train.py' and '/search/' in c[1]})
    assert len(set(commands)) == rates + 4 + 2 * 5
    assert len(commands) == len(set(commands)), 'a finished tool ran again'
    results = benchmark(data, tmp_path, seeds=[0], search=2).results()
    assert [len(one.records) for one in results] == [1, 1]


def test_the_best_of_the_search_is_used(data: Data, tmp_path: Path) -> None:
    one = benchmark(data, tmp_path, seeds=[0], search=6)
    go(one)
    records = [row.records[0] for row in one.results()]
    for record in records:
        assert record['settings']['model.tracker.keep_score_thr'] == 0.2
        cfg = Config.fromfile(record['config'])
        assert cfg.model.tracker.keep_score_thr == 0.2
        assert cfg.optim_wrapper.optimizer.lr == record['settings'][LEARNING_RATE]
    # the search has never seen the test clips
    for path in (tmp_path / 'work/toy/search').rglob('config.py'):
        assert 'held_out.json' in Config.fromfile(path).test_evaluator[0].ann_file


def test_without_refit_the_model_of_the_search_is_tested(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools]
) -> None:
    data = replace(data, rate_factors=(1.0,), refit=False)
    one = benchmark(data, tmp_path, search=3)
    go(one)
    trained = [Path(words[1]) for words in fake_tools.ran if words[0] == 'train.py']
    names = [str(path.relative_to(tmp_path / 'work/toy')) for path in trained]
    # of seed 0 by the search alone
    assert [name for name in names if not name.startswith('search/')] == [
        'vae-vist/seed1.py',
        'no-corr/seed1.py',
    ]
    assert len(names) == 4
    for path in trained:
        annotations = Config.fromfile(path).train_dataloader.dataset.ann_file
        assert annotations == str(tmp_path / 'work/toy/search/train.json')
    for result in one.results():
        assert sorted(result.records) == [0, 1]
        for record in result.records.values():
            cfg = Config.fromfile(record['config'])
            assert cfg.test_evaluator[0].ann_file.endswith('annotations/val.json')
            assert (
                cfg.model.tracker.keep_score_thr
                == (record['settings']['model.tracker.keep_score_thr'])
            )
            assert record['training_seconds'] == 10 and record['training_memory'] == 100
    ran = len(fake_tools.ran)
    go(benchmark(data, tmp_path, search=3))
    assert len(fake_tools.ran) == ran


def test_settings_found_on_other_data_are_taken_over(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools]
) -> None:
    other = replace(data, name='other')
    more = dict(seeds=[0], search=6, searched_on=data)
    with pytest.raises(UserError, match=r'work/toy holds no search: run --data toy'):
        go(benchmark(other, tmp_path, **more))
    assert not fake_tools.ran and not (tmp_path / 'work/toy').exists()
    go(benchmark(data, tmp_path, seeds=[0]))
    before = len(fake_tools.ran)
    with pytest.raises(UserError, match='VAE-VIST has not been searched on toy'):
        go(benchmark(other, tmp_path, **more))
    assert len(fake_tools.ran) == before
    shutil.rmtree(tmp_path / 'work')
    go(benchmark(data, tmp_path, seeds=[0], search=6))
    before = len(fake_tools.ran)
    one = benchmark(other, tmp_path, **more)
    go(one)
    # two rows: train, test, three points of the curve, and no search
    assert len(fake_tools.ran) - before == 2 * 5
    found = {r.row.name: r.records[0]['settings'] for r in one.results()}
    assert found == {
        r.row.name: r.records[0]['settings']
        for r in benchmark(data, tmp_path, seeds=[0], search=6).results()
    }
    assert found[OURS]['model.tracker.keep_score_thr'] == 0.2


def test_a_longer_training_takes_the_settings_of_a_search_elsewhere(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools]
) -> None:
    once = replace(data, refit=False)
    go(benchmark(once, tmp_path, seeds=[0], search=6))
    before = len(fake_tools.ran)
    more = dict(seeds=[0], search=6, iterations=40, searched_in=tmp_path / 'work')
    one = benchmark(once, tmp_path / 'longer', **more)
    go(one)
    # two rows are trained anew, though the seed is that of the search
    trained = [w[1] for w in fake_tools.ran[before:] if w[0] == 'train.py']
    assert [Path(path).parent.name for path in trained] == [OURS, 'no-corr']
    split = tmp_path / 'work/toy/search/train.json'
    short = benchmark(once, tmp_path, seeds=[0], search=6).results()
    for longer, shorter in zip(one.results(), short, strict=True):
        found, known = longer.records[0], shorter.records[0]
        assert (found['iterations'], known['iterations']) == (40, 20)
        assert found['settings'] == known['settings']
        ann_file = Config.fromfile(found['config']).train_dataloader.dataset.ann_file
        assert Path(ann_file) != split, 'its own copy'
        assert Path(ann_file).read_text() == split.read_text()


def test_a_learning_rate_is_taken_over_as_a_factor(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(benchmark(data, tmp_path, seeds=[0], search=6))
    monkeypatch.setattr(
        'mmvist.benchmark.search._learning_rate',
        lambda row, one: 0.001 if one.name == 'toy' else 0.01,
    )
    other = replace(data, name='other')
    own = benchmark(data, tmp_path, seeds=[0], search=6).results()
    taken = benchmark(other, tmp_path, seeds=[0], search=6, searched_on=data)
    go(taken)
    for mine, theirs in zip(own, taken.results(), strict=True):
        rates = [r.records[0]['settings'][LEARNING_RATE] for r in (mine, theirs)]
        assert rates[1] == pytest.approx(10 * rates[0])


def test_an_interrupted_search_tries_what_it_would_have_tried(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools]
) -> None:
    def tried(folder: str) -> list[dict]:
        rows, work = choose_rows(2, [OURS]), tmp_path / folder
        one = tables.Benchmark(2, rows, data, [0], work, search=6)
        while True:
            try:
                go(one)
            except Killed:
                fake_tools.dies_at += 2
                continue
            break
        study = open_study(work / 'toy', f'search-{OURS}-6')
        done = [t for t in study.get_trials() if 'record' in t.user_attrs]
        return [trial.user_attrs['record']['settings'] for trial in done]

    whole = tried('whole')
    fake_tools.dies_at = len(fake_tools.ran) + 1
    assert tried('broken') == whole
    assert len({str(one) for one in whole}) == 6


def test_settings_that_changed_are_told(data: Data, tmp_path: Path) -> None:
    go(benchmark(data, tmp_path, seeds=[0]))
    with pytest.raises(UserError, match='with other settings'):
        go(benchmark(data, tmp_path, seeds=[0], iterations=10))


def test_a_table_of_runs_with_other_settings_is_refused(
    data: Data, tmp_path: Path
) -> None:
    go(benchmark(data, tmp_path, seeds=[0], search=6))
    assert benchmark(data, tmp_path, seeds=[0], search=6).results()
    with pytest.raises(UserError, match=r'with iterations 20, asked for are 10'):
        benchmark(data, tmp_path, seeds=[0], search=6, iterations=10).results()
    with pytest.raises(UserError, match=r'with settings .*keep_score_thr.* are {}'):
        benchmark(data, tmp_path, seeds=[0]).results()


def test_a_second_process_waits(data: Data, tmp_path: Path) -> None:
    import subprocess
    import sys

    folder = tmp_path / 'work' / 'toy'
    script = (
        'import sys; from pathlib import Path;'
        'from mmvist.benchmark.store import Store;'
        'one = Store(Path(sys.argv[1])); print("held", flush=True); sys.stdin.read()'
    )
    held = subprocess.Popen(
        [sys.executable, '-c', script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None and held.stdout.readline() == 'held\n'
    told = []

    def waiting() -> None:
        told.append(held.poll())
        held.stdin.close()

    with Store(folder, waiting):
        # the lock goes with the process that held it
        assert held.wait(60) == 0
    assert told == [None]


def test_videos_are_held_out_whole(data: Data, tmp_path: Path) -> None:
    source = data.root / 'annotations' / 'train.json'
    train, held_out = (
        json.loads(path.read_text()) for path in split_videos(source, tmp_path / 's')
    )
    assert (len(train['videos']), len(held_out['videos'])) == (10, 2)
    for part in (train, held_out):
        ids = {video['id'] for video in part['videos']}
        assert {image['video_id'] for image in part['images']} <= ids
        images = {image['id'] for image in part['images']}
        assert {ann['image_id'] for ann in part['annotations']} == images
    everything = json.loads(source.read_text())['videos']
    assert (
        sorted(train['videos'] + held_out['videos'], key=lambda one: one['id'])
        == everything
    )


def test_the_report(data: Data, tmp_path: Path) -> None:
    one = benchmark(data, tmp_path)
    go(one)
    results = one.results()
    text = markdown(results, 'Table 2')
    assert '| VAE-VIST | 2 | 0.705 ± 0.007 |' in text
    assert '| (b) no correlation | 2 | 0.305 ± 0.007 |' in text
    assert '| (b) no correlation | **-' in text, 'the interval excludes zero'
    assert '100 MB' in text and '0.2 min' in text
    numbers = as_json(results)
    assert numbers['no-corr']['summary']['mots/sMOTSA']['mean'] == pytest.approx(0.305)
    assert numbers['no-corr']['difference_to_vae_vist']['sMOTSA']['high'] < 0
    assert numbers['vae-vist']['difference_to_vae_vist'] == {}
    run = numbers['vae-vist']['runs'][1]
    assert run['seed'] == 1 and run['revision'] and run['training_seconds'] == 10
    paths = write(results, 'Table 2', tmp_path / 'table2')
    assert [path.suffix for path in paths] == ['.md', '.json', '.png']
    assert json.loads(paths[1].read_text())['vae-vist']['title'] == 'VAE-VIST'


def test_points_of_the_curve() -> None:
    row = TABLES[1][0]

    def points(length: int) -> list[int]:
        data = Data('a', Path('a'), 'synthetic', length)
        return Run(row, 0, data, Path('a')).points()

    assert points(1000) == [250, 500, 750]
    assert points(8000) == [2000, 4000, 6000]
    assert points(4) == [1, 2, 3]
    assert points(1) == []
    assert np.diff(points(777)).min() > 100


def setting(config: dict, key: str) -> object:
    """What a part is built with: its config's value, or its own default."""
    if key in config:
        return config[key]
    part = MODELS.get(config['type'])
    return inspect.signature(part).parameters[key].default


@pytest.mark.parametrize('table', TABLES)
@pytest.mark.parametrize('suffix', ['synthetic', 'compositemots'])
def test_every_row_has_a_config_whose_settings_are_there(
    table: int, suffix: str
) -> None:
    """A threshold that no config has would be a switch that does nothing."""
    for row in TABLES[table]:
        cfg = Config.fromfile(row.path(Data('a', Path('a'), suffix, 10)))
        for name in (*row.changes, *row.thresholds):
            owner, key = cfg, name.rsplit('.', 1)[-1]
            for part in name.split('.')[:-1]:
                owner = owner[int(part) if isinstance(owner, list) else part]
            assert isinstance(owner, dict), name
            if name in row.thresholds:
                assert row.thresholds[name][0] == setting(owner, key), name
        for name, values in row.thresholds.items():
            assert len(set(values)) == len(values) > 1, name


@pytest.mark.parametrize(
    'name',
    [row.name for row in TABLES[2] if row.name != OURS],
)
def test_the_ablations_are_those_of_the_configs(name: str) -> None:
    row = next(row for row in TABLES[2] if row.name == name)
    path = CONFIGS / f'ablation/vae-vist_mask-rcnn_r18-half_fpn_synthetic_{name}.py'
    cfg = Config.fromfile(row.path(Data('a', Path('a'), 'synthetic', 10)))
    cfg.merge_from_dict(dict(row.changes))
    assert cfg.model == Config.fromfile(path).model


def test_mistakes_are_told(data: Data, tmp_path: Path) -> None:
    with pytest.raises(UserError, match='table 2 has no row no-such'):
        choose_rows(2, ['no-such'])
    with pytest.raises(UserError, match='annotations/train.json does not exist'):
        find_data(str(tmp_path / 'nothing'))
    broken = replace(TABLES[1][0], config='none/{data}.py')
    with pytest.raises(UserError, match='does not exist'):
        broken.path(data)


@pytest.mark.parametrize('refit', [True, False])
def test_a_search_of_shorter_trainings_is_none_of_longer_ones(
    data: Data, tmp_path: Path, fake_tools: type[FakeTools], refit: bool
) -> None:
    """It was stopped behind its searches, and goes on with another length."""
    once = replace(data, rate_factors=(1.0,), refit=refit)
    fake_tools.dies_at = 8  # two rows: a training and three settings each
    with pytest.raises(Killed):
        go(benchmark(once, tmp_path, seeds=[0], search=3))
    fake_tools.dies_at = None
    with pytest.raises(UserError, match='searched with trainings of 20 iterations'):
        go(benchmark(once, tmp_path, seeds=[0], search=3, iterations=40))
    assert len(fake_tools.ran) == 8
