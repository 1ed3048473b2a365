"""``tools/track_video.py``: from a video to an annotated one."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from stream_kit import encode, moving, server

from mmvist.apis import video_source
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
        ('in.mp4', 'in.mp4', 'is an input'),
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


def test_two_outputs_are_two_files(
    tmp_path: Path, video: Path, checkpoint: Path
) -> None:
    (tmp_path / 'lines').mkdir()
    out = tmp_path / 'out.mp4'
    with pytest.raises(UserError, match=r'both .*out.mp4: name two files'):
        run(
            checkpoint, video, out, '--save-json', tmp_path / 'lines' / '..' / 'out.mp4'
        )
    with pytest.raises(UserError, match='lines is a folder, a file has to go there'):
        run(checkpoint, video, out, '--save-json', tmp_path / 'lines')
    assert not out.exists(), 'found out before the work'


def test_frames_of_another_video_stay(
    tmp_path: Path, video: Path, checkpoint: Path
) -> None:
    folder = tmp_path / 'pictures'
    folder.mkdir()
    (folder / '000000.png').write_text('mine')
    with pytest.raises(UserError, match='is not empty'):
        run(checkpoint, video, folder)
    assert (folder / '000000.png').read_text() == 'mine'


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


# --------------------------------------------------------------------- streams


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_without_a_video(tmp_path: Path, video: Path, checkpoint: Path) -> None:
    run(checkpoint, video, '--save-json', tmp_path / 'a.jsonl')
    assert [line['frame_id'] for line in lines_of(tmp_path / 'a.jsonl')] == [0, 1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.jsonl', 'in.mp4']


def test_nothing_to_write(checkpoint: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        run(checkpoint, 'in.mp4')
    assert caught.value.code == 2
    assert 'give OUT, --save-json or both' in capsys.readouterr().err


def test_what_came_before_a_stream_broke_off_is_there(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_source, 'TIMEOUT', 2.0)
    encode(tmp_path / 'a.ts', moving(40))
    content = (tmp_path / 'a.ts').read_bytes()
    out, lines = tmp_path / 'out.mp4', tmp_path / 'out.jsonl'
    with server(content[: 9 * len(content) // 10]) as address:
        with pytest.raises(UserError) as caught:
            run(checkpoint, address, out, '--save-json', lines, '--scale', 1)
    count = frames_of(out)
    assert 20 < count < 40
    assert [line['frame_id'] for line in lines_of(lines)] == list(range(count))
    assert str(caught.value) == (
        f'{address} broke off after {count} frames: nothing came for 2 s; what was '
        f'tracked until then is in {out} and {lines}'
    )


def test_ctrl_c_ends_a_stream(tmp_path: Path, checkpoint: Path) -> None:
    """Standard input of a process: tracked while it comes, ended while it waits."""
    encode(tmp_path / 'a.ts', moving(40))
    content = (tmp_path / 'a.ts').read_bytes()
    out, lines = tmp_path / 'out.mp4', tmp_path / 'out.jsonl'
    words = [TOOL, '-', out, '--save-json', lines, '--scale', 1]
    words += ['--config', CONFIG, '--checkpoint', checkpoint, '--device', 'cpu']
    process = subprocess.Popen(
        [sys.executable, *map(str, words)],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        process.stdin.write(content)  # and the pipe stays open
        process.stdin.flush()
        deadline = time.monotonic() + 240
        # the last frames stay in the decoder until the stream goes on
        while not (lines.exists() and len(lines_of(lines)) >= 30):
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, complaints.decode()
    assert 'Traceback' not in complaints.decode()
    count = len(lines_of(lines))
    assert 30 <= count == frames_of(out)
    last = said.decode().strip().splitlines()[-1]
    assert last.startswith(f'{out} and {lines}: {count} frames, 0 identities')
    assert last.endswith(', stopped')


def test_ctrl_c_in_a_file_is_no_success(
    tmp_path: Path, video: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was tracked is whole, but the rest of the video is missing."""
    module = tool()

    def draw(*args: object) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGINT)
        return args[0]

    monkeypatch.setattr(module, 'draw_instances', draw)
    words = [video, tmp_path / 'out.mp4', '--config', CONFIG, '--device', 'cpu']
    with pytest.raises(SystemExit) as caught:
        module.main([str(word) for word in (*words, '--checkpoint', checkpoint)])
    assert caught.value.code == 130
    assert frames_of(tmp_path / 'out.mp4') == 1
