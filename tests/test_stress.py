"""The tools that throw bad input about, at a small count."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from thorough import examples

from mmvist.stress.annotations import (
    READERS,
    spoil,
    try_annotations,
    try_escapes,
    write_good,
)
from mmvist.stress.confined import LOADED, REFUSED, run_confined
from mmvist.stress.full_disk import WRITERS, try_full_disk
from mmvist.stress.kills import kill_and_resume, train_command
from mmvist.testing import write_toy_mots


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('around') / 'data'
    folder.mkdir()
    write_good(folder)
    shutil.copy(folder / READERS['png of a frame'][0], folder.parent / 'secret.png')
    return folder


@pytest.mark.parametrize('reader', READERS)
def test_what_is_not_spoilt_loads(data: Path, reader: str) -> None:
    outcome = run_confined(READERS[reader][1], data)
    assert outcome.kind == LOADED, outcome.text


def test_spoilt_annotations_load_or_are_refused_in_one_line() -> None:
    trials = list(try_annotations(examples(100), seed=1))
    bad = [trial for trial in trials if not trial.good]
    assert not bad
    # and both are tried
    assert {trial.outcome.kind for trial in trials} == {LOADED, REFUSED}


def test_no_name_leads_out_of_the_data_folder() -> None:
    trials = list(try_escapes())
    assert not [trial for trial in trials if trial.outcome.kind != REFUSED]
    # the places of NAMES, with seven names each
    assert len(trials) == 4 * 7


def test_a_trial_is_the_same_again(data: Path) -> None:
    for name, _ in READERS.values():
        good = (data / name).read_bytes()
        first, second = (
            [spoil(good, Path(name).suffix, random.Random(n)) for n in range(5)]
            for _ in range(2)
        )
        assert first == second and len(set(first)) > 1


def _outside(data: Path) -> None:
    (data / '../secret.png').read_bytes()


def _written(data: Path) -> None:
    (data.parent.parent / 'new.txt').write_text('x')


def _endless(data: Path) -> None:
    while True:
        pass


def _hungry(data: Path) -> None:
    bytearray(3 * 2**30)


@pytest.mark.parametrize(
    ('work', 'kind'),
    [
        (_outside, 'outside'),
        (_written, 'outside'),
        (_endless, 'hang'),
        (_hungry, 'memory'),
        (lambda data: [].pop(), 'stack trace'),
        (lambda data: (data / 'none').read_text(), REFUSED),
        (lambda data: None, LOADED),
    ],
    ids=['outside', 'written', 'endless', 'hungry', 'trace', 'refused', 'loads'],
)
def test_how_it_ends_is_told(data: Path, work, kind: str) -> None:
    assert run_confined(work, data, seconds=3.0).kind == kind


def test_a_full_disk_leaves_the_results_of_before() -> None:
    trials = list(try_full_disk(examples(4 * len(WRITERS)), seed=2))
    bad = [trial for trial in trials if not trial.good]
    assert not bad
    assert {trial.left for trial in trials} == {'old', 'new'}


def test_a_training_killed_in_a_write_ends_as_one_that_was_not(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    write_toy_mots(tmp_path / 'data')
    command = train_command(
        root / 'tools/train.py',
        root / 'configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py',
        tmp_path / 'data',
        iterations=6,
    )
    *_, done = kill_and_resume(command, tmp_path, iterations=6, count=2)
    assert done.equal
    assert done.resumed and max(done.starts)[0] > 0
    assert done.kills[1][1], 'the second kill is in a write'
    assert not list((tmp_path / 'broken').glob('.*.part.pth'))
