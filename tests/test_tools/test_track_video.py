"""``tools/track_video.py``: from a video to an annotated one."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvist.engine.errors import UserError
from mmvist.registry import MODELS
from mmvist.visualization import VideoWriter

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'track_video.py'
CONFIG = ROOT / 'configs/baselines/mask-rcnn-iou_r18-half_fpn_synthetic.py'


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('track_video', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'random.pth'
    model = MODELS.build(Config.fromfile(str(CONFIG)).model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / 'in.mp4'
    with VideoWriter(path, fps=12) as writer:
        for k in range(3):
            writer.write(np.full((50, 90, 3), 60 * k, np.uint8))
    return path


def run(checkpoint: Path, *args: object) -> None:
    words = [*args, '--config', CONFIG, '--checkpoint', checkpoint, '--device', 'cpu']
    tool().main([str(word) for word in words])


def test_a_video_becomes_a_video(
    tmp_path: Path, video: Path, checkpoint: Path, capsys: pytest.CaptureFixture
) -> None:
    run(checkpoint, video, tmp_path / 'out.mp4')
    with av.open(str(tmp_path / 'out.mp4')) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert context.name == 'h264'
        assert (context.width, context.height) == (9 * 90, 9 * 50)
        assert (stream.frames, stream.average_rate) == (3, 12)
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert 'out.mp4: 3 frames, 0 identities' in last


def test_a_folder_becomes_a_folder(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / 'in').mkdir()
    for k in range(2):
        name = str(tmp_path / 'in' / f'{k}.png')
        cv2.imwrite(name, np.full((50, 90, 3), 60 * k, np.uint8))
    run(checkpoint, tmp_path / 'in', tmp_path / 'out', '--scale', 2)
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names == ['000000.png', '000001.png']
    picture = cv2.imread(str(tmp_path / 'out' / '000001.png'))
    assert picture.shape == (100, 180, 3)
    assert (picture == 60).all()


def test_the_rate_may_be_chosen(tmp_path: Path, video: Path, checkpoint: Path) -> None:
    run(checkpoint, video, tmp_path / 'out.mkv', '--fps', 5)
    with av.open(str(tmp_path / 'out.mkv')) as container:
        assert container.streams.video[0].average_rate == 5


@pytest.mark.parametrize(
    ('source', 'output', 'message'),
    [
        ('none.mp4', 'out.mp4', 'none.mp4 does not exist'),
        ('in.mp4', 'none/out.mp4', 'none of the output does not exist'),
        ('in.mp4', 'in.mp4', 'is the input itself'),
        ('in.mp4', 'out.gif', 'is written as'),
        ('in.mp4', 'folder.mp4', 'is a folder'),
        ('in.mp4', 'file', 'cannot be made'),
        ('file', 'out.mp4', 'is no video'),
    ],
)
def test_mistakes(
    tmp_path: Path,
    video: Path,
    checkpoint: Path,
    source: str,
    output: str,
    message: str,
) -> None:
    (tmp_path / 'folder.mp4').mkdir()
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match=message):
        run(checkpoint, tmp_path / source, tmp_path / output)
    assert not (tmp_path / 'out.mp4').exists()


def test_a_mistake_is_one_line_and_exit_code_2(
    tmp_path: Path, checkpoint: Path
) -> None:
    """A video without a single frame, in a process of its own."""
    with av.open(str(tmp_path / 'in.mp4'), 'w') as container:
        stream = container.add_stream('libx264', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        container.start_encoding()
    words = [TOOL, tmp_path / 'in.mp4', tmp_path / 'out.mp4']
    words += ['--config', CONFIG, '--checkpoint', checkpoint]
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert 'Traceback' not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith('error: ')
    assert not (tmp_path / 'out.mp4').exists()
