"""``tools/analysis_tools/absence_report.py``: what it prints, draws and refuses."""

import json
from pathlib import Path

import cv2
import pytest
from tool_kit import tool

from mmvist.datasets import DataError
from mmvist.engine.launch import run_tool
from mmvist.evaluation.truth import load_truth
from mmvist.testing import write_toy_mots


def run(*args: object) -> int:
    words = [str(one) for one in args]
    return run_tool(
        lambda: tool('analysis_tools/absence_report').main(words), DataError
    )


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy video found whole, and hidden fractions of its instances."""
    folder = tmp_path_factory.mktemp('toy')
    truth = load_truth(str(write_toy_mots(folder)))
    frames = truth.videos[0].frames
    lines = [
        f'{frame.number} {instance} {category} 64 96 {rle["counts"]}\n'
        for frame in frames
        for instance, category, rle in zip(
            frame.instance_ids, frame.category_ids, frame.rles, strict=True
        )
    ]
    (folder / 'ours' / 'results.mots').mkdir(parents=True)
    (folder / 'ours' / 'results.mots' / '0000.txt').write_text(''.join(lines))
    pairs = {
        (category, instance)
        for frame in frames
        for category, instance in zip(
            frame.category_ids, frame.instance_ids, strict=True
        )
    }
    hidden = {f'{1000 * category + instance}': 0.3 for category, instance in pairs}
    (folder / 'hidden.json').write_text(json.dumps({'0000': [hidden] * len(frames)}))
    return folder


def test_recall_by_what_is_hidden(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'absence.png'
    words = root / 'annotations/val.json', root / 'ours/results.mots', '--out', out
    assert run(*words, '--hidden', root / 'hidden.json') == 0
    printed = capsys.readouterr().out
    assert 'ours' in printed and '1.000 / 0' in printed
    # the pedestrian leaves for two frames and comes back
    lines = [' '.join(line.replace('│', ' ').split()) for line in printed.splitlines()]
    assert 'ours - 1 of 1 - - - 1 of 1' in lines
    assert cv2.imread(str(out)).shape[1] > 1200
    # without hidden fractions there are the absences alone
    assert run(*words) == 0
    assert 'by hidden fraction' not in capsys.readouterr().out
    assert cv2.imread(str(out)).shape[1] < 1200


def test_mistakes_are_told(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    truth, ours = root / 'annotations/val.json', root / 'ours/results.mots'
    assert run(root / 'no.json', ours) == 2
    assert 'no.json does not exist' in capsys.readouterr().err
    other = tmp_path / 'hidden.json'
    other.write_text(json.dumps({'0007': []}))
    assert run(truth, ours, '--hidden', other) == 2
    assert 'are they of other clips?' in capsys.readouterr().err
    assert run(truth, ours, ours) == 2
    assert 'two methods have one name' in capsys.readouterr().err
    assert run(truth, ours, '--out', tmp_path / 'no' / 'a.png') == 2
    assert 'a.png cannot be written' in capsys.readouterr().err
