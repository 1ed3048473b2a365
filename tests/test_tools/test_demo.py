"""``make demo`` in miniature: the whole script, a few clips and iterations."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import av
import cv2
import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'demo.py'
VAEVIST = 'vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
SMALL = ('--train-clips', 2, '--val-clips', 2, '--frames', 5, '--max-iters', 3)


def demo(folder: Path, *more: object) -> str:
    """Run the script in a folder as ``make demo`` runs it in the clone."""
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, (*SMALL, *more))],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
    return done.stdout


@pytest.fixture(scope='module')
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo that ran, and what it said."""
    folder = tmp_path_factory.mktemp('demo')
    return folder, demo(folder)


def test_a_video_of_prediction_beside_truth(finished: tuple[Path, str]) -> None:
    for name in ('vae-vist.mp4', 'floor.mp4'):
        with av.open(str(finished[0] / 'work_dirs/demo' / name)) as container:
            context = container.streams.video[0].codec_context
            assert (context.name, context.pix_fmt) == ('h264', 'yuv420p')
            assert context.width == 2 * 768 + 6
            assert len(list(container.decode(video=0))) == 2 * 5


def test_a_picture_of_the_next_frame(finished: tuple[Path, str]) -> None:
    picture = cv2.imread(str(finished[0] / 'work_dirs/demo/next_frame.png'))
    assert picture.shape[1] == 3 * 384 + 2 * 6
    assert picture.shape[0] > 2 * 256


def test_the_last_lines_say_the_numbers_and_where_things_are(
    finished: tuple[Path, str],
) -> None:
    folder, said = finished
    last = said[said.index('no model has seen') :]
    for name in ('vae-vist.mp4', 'floor.mp4', 'next_frame.png', 'metrics.json'):
        assert f'work_dirs/demo/{name}' in last or f'vae-vist/{name}' in last
    for model in ('vae-vist', 'floor'):
        path = folder / 'work_dirs' / 'demo' / model / 'metrics.json'
        assert f'{json.loads(path.read_text())["mots/sMOTSA"]:.3f}' in last
    command = last[last.index('On a video of your own') :].split()
    files = [word for word in command if 'work_dirs' in word]
    assert len(files) == 2
    assert all((folder / file).is_file() for file in files)


def test_what_is_done_is_not_done_again(finished: tuple[Path, str]) -> None:
    folder, first = finished
    trained = [folder / f'work_dirs/demo/{name}' for name in ('vae-vist', 'floor')]
    before = [sorted(path.stat().st_mtime_ns for path in f.iterdir()) for f in trained]
    said = demo(folder)
    assert said.count('there already') == 5
    assert '$ python' not in said
    after = [sorted(path.stat().st_mtime_ns for path in f.iterdir()) for f in trained]
    assert after == before
    # the numbers and places are said again
    assert said[said.index('On 2 clips') :] == first[first.index('On 2 clips') :]


# ------------------------------------------------- single parts, in this process


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('demo_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules['demo_tool'] = module  # where its dataclass looks itself up
    spec.loader.exec_module(module)
    return module
