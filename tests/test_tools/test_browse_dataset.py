"""``tools/browse_dataset.py``: what it writes, and how it refuses."""

import importlib.util
from pathlib import Path
from types import ModuleType

import av
import cv2
import pytest

from mmvist.datasets import DataError
from mmvist.engine.launch import run_tool
from mmvist.testing import write_toy_mots

TOOL = Path(__file__).parents[2] / 'tools' / 'browse_dataset.py'
CONFIG = (
    Path(__file__).parents[2]
    / 'configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
)


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('browse_dataset', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*args: object) -> int:
    return run_tool(lambda: tool().main([str(one) for one in args]), DataError)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    write_toy_mots(folder)
    return folder


def test_annotations_become_a_video(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / 'clip.mp4'
    ann_file, images = root / 'annotations/val.json', root / 'training/image_02'
    assert run(ann_file, '--images', images, '--out', out, '--fps', 3) == 0
    assert capsys.readouterr().out.endswith('clip.mp4: 6 pictures\n')
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.frames, stream.average_rate) == (6, 3)
        # 96 x 64 eight times as large, under a bar
        assert stream.codec_context.width == 768
        assert 512 < stream.codec_context.height < 560


def test_samples_of_a_config_become_pictures(root: Path, tmp_path: Path) -> None:
    out = tmp_path / 'samples'
    options = [f'train_dataloader.dataset.data_root={root}']
    code = run(CONFIG, '--output-dir', out, '--number', 2, '--cfg-options', *options)
    assert code == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == ['000000.png', '000001.png']
    # t-1, t, t+1 and Lambda, each of 192 x 128 twice as large
    assert cv2.imread(str(out / names[0])).shape[1] == 4 * 384 + 3 * 6


@pytest.mark.parametrize(
    'args, said',
    [
        (('none.json',), 'error: annotation file none.json does not exist'),
        (('none.py',), 'error: config none.py does not exist'),
        ((CONFIG, '--split', 'val'), 'of val_dataloader does not exist'),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path,
    args: tuple,
    said: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*args, '--out', 'clips') == 2
    error = capsys.readouterr().err
    assert said in error and error.count('\n') == 1
    assert not (tmp_path / 'clips').exists()


def test_no_images_and_no_such_sequence(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    ann_file = root / 'annotations/val.json'
    assert run(ann_file, '--out', tmp_path / 'a.mp4') == 2
    assert 'name the folder of its frames with --images' in capsys.readouterr().err
    images = root / 'training/image_02'
    words = ['--images', images, '--sequences', '0003-0004']
    assert run(ann_file, '--out', tmp_path / 'a.mp4', *words) == 2
    assert capsys.readouterr().err.startswith('error: 0003: there is no such video')
