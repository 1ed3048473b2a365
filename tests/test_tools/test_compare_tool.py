"""``tools/analysis_tools/compare.py``: the picture it writes, and what it refuses."""

import importlib.util
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from mmvist.datasets import DataError
from mmvist.engine.launch import run_tool
from mmvist.evaluation.truth import load_truth
from mmvist.testing import write_toy_mots
from mmvist.visualization.marks import RED

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/compare.py'


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('compare_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*args: object) -> int:
    return run_tool(lambda: tool().main([str(one) for one in args]), DataError)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy video with two predictions: all of it, and without pedestrians."""
    folder = tmp_path_factory.mktemp('toy')
    truth = load_truth(str(write_toy_mots(folder)))
    for name, classes in (('all', (1, 2)), ('cars', (1,))):
        lines = [
            f'{frame.number} {instance} {category} 64 96 {rle["counts"]}\n'
            for frame in truth.videos[0].frames
            for instance, category, rle in zip(
                frame.instance_ids, frame.category_ids, frame.rles, strict=True
            )
            if category in classes
        ]
        (folder / name / 'results.mots').mkdir(parents=True)
        (folder / name / 'results.mots/0000.txt').write_text(''.join(lines))
    return folder


def words(root: Path, out: Path, *more: object) -> list[object]:
    predictions = [root / name / 'results.mots' for name in ('all', 'cars')]
    images = root / 'training/image_02'
    ann_file = root / 'annotations/val.json'
    return [ann_file, *predictions, '--images', images, '--out', out, *more]


def test_a_picture_of_the_frames_that_differ(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'figure.png'
    assert run(*words(root, out, '--number', 2)) == 0
    assert 'figure.png: video 0000, 1542 x ' in capsys.readouterr().out
    figure = cv2.imread(str(out))
    assert figure.shape[1] == 2 * 768 + 6
    # the pedestrian is missed by the second method, in each frame that has one
    red = (figure == RED).all(axis=2)
    third = len(figure) // 3
    assert red[:third].sum() == red[2 * third + 60 :].sum() == 0
    middle = red[third : 2 * third]
    assert middle[:, :768].sum() > 100 and middle[:, 774:].sum() > 100


def test_chosen_frames_and_names(root: Path, tmp_path: Path) -> None:
    out = tmp_path / 'figure.jpg'
    more = ['--frames', 2, 0, 5, '--names', 'a', 'b', '--video', '0000']
    assert run(*words(root, out, *more)) == 0
    assert cv2.imread(str(out)).shape[1] == 3 * 768 + 12


def test_methods_are_told_apart_by_name_or_folder() -> None:
    names = tool().names_of
    assert names([Path('a/ours.json'), Path('b/floor.mots')]) == ['ours', 'floor']
    assert names([Path('a/results.mots'), Path('b/results.mots')]) == ['a', 'b']


@pytest.mark.parametrize(
    ('more', 'said'),
    [
        (('--video', 'x'), '--video x: there is no such video, only 0000'),
        (('--frames', 7), 'video 0000 has no frame 7; it has 0 to 5'),
        (('--out', 'figure.gif'), 'figure.gif has to end with .png or .jpg'),
        (('--out', 'no/figure.png'), 'folder no of the output does not exist'),
        (('--images', 'no'), 'no/0000/000000.png does not exist; --images'),
    ],
)
def test_mistakes_are_one_line(
    root: Path,
    tmp_path: Path,
    more: tuple,
    said: str,
    capsys: pytest.CaptureFixture,
) -> None:
    out = tmp_path / 'figure.png'
    assert run(*words(root, out, *more)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1
    assert not out.exists()
