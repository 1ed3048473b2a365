"""Good input for every tool, of which each test spoils a copy."""

import hashlib
import json
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer
from PIL import Image
from tiny_vist import DEMO, SHOWS_ALL, tiny_config

from mmvist.registry import MODELS
from mmvist.testing import toy_frames, toy_masks, toy_mots_txt, write_toy_mots
from mmvist.visualization import VideoWriter

ROOT = Path(__file__).parents[2]
CLASSES = ('car', 'pedestrian')


@dataclass
class Refusal:
    """How a tool ended.

    Attributes:
        code: Its exit code.
        error: Its last line on standard error.
        changed: Input files that are other than before, or gone.
        new: Files and folders that the tool left.
    """

    code: int
    error: str
    changed: list[str]
    new: list[str]


@pytest.fixture(scope='session')
def good_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user may have on the disk, all of it in order."""
    root = tmp_path_factory.mktemp('good')
    _write_kitti(root / 'kitti')
    for name in ('MOTS20-02', 'MOTS20-05'):
        _write_challenge(root / 'challenge' / name)
    _write_indexed(root / 'indexed')
    _write_youtubevis(root / 'vis.json')
    _write_model(root)
    with VideoWriter(root / 'video.mp4', fps=10) as writer:
        for frame in toy_frames():
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
    return root


@pytest.fixture
def disk(good_input: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of the good input that a test may spoil."""
    folder = tmp_path / 'disk'
    shutil.copytree(good_input, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def refusal(
    disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> Iterator[Callable[..., Refusal]]:
    """Runs a tool in the working folder, as ``python tools/TOOL ARGS`` does.

    It runs in this process, which is then left as it was found.
    """
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    monkeypatch.setenv('LOCAL_RANK', '0')
    known = torch.serialization.get_safe_globals()
    for managed in (MMLogger, MessageHub, Visualizer):
        managed._instance_dict.clear()

    def run(tool: str, *args: object) -> Refusal:
        before = _listing(disk)
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, args)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / 'tools' / tool), run_name='__main__')
        error = capfd.readouterr().err
        assert 'Traceback' not in error, error
        after = _listing(disk)
        return Refusal(
            ended.value.code,
            (error.strip().splitlines() or [''])[-1],
            [name for name, digest in before.items() if after.get(name) != digest],
            [name for name in after if name not in before],
        )

    yield run
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(known)


def _listing(folder: Path) -> dict[str, str]:
    """Every path under a folder, a file with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else ''
        for path in sorted(folder.rglob('*'))
    }


def _write_kitti(root: Path) -> None:
    write_toy_mots(root)
    (root / 'instances_txt').mkdir()
    (root / 'instances_txt' / '0000.txt').write_text(toy_mots_txt(toy_masks()))


def _write_challenge(folder: Path) -> None:
    (folder / 'img1').mkdir(parents=True)
    (folder / 'gt').mkdir()
    for t, frame in enumerate(toy_frames()):
        Image.fromarray(frame).save(folder / 'img1' / f'{t + 1:06}.png')
    people = np.where(toy_masks() // 1000 == 2, toy_masks(), 0)
    (folder / 'gt' / 'gt.txt').write_text(toy_mots_txt(people, first=1))
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=x\nseqLength=6\nimWidth=96\nimHeight=64\n'
    )


def _write_indexed(root: Path) -> None:
    for kind, pictures in [('JPEGImages', toy_frames()), ('Annotations', toy_masks())]:
        (root / kind / 'street').mkdir(parents=True)
        for t, picture in enumerate(pictures):
            if kind == 'Annotations':
                picture = np.searchsorted([1001, 1002, 2001], picture, side='right')
                picture = picture.astype(np.uint8)
            Image.fromarray(picture).save(root / kind / 'street' / f'{t:05}.png')
    labels = {'street': {'1': 'car', '2': 'car', '3': 'pedestrian'}}
    (root / 'labels.json').write_text(json.dumps(labels))


def _write_youtubevis(path: Path) -> None:
    box = dict(size=[64, 96], counts=[0, 10, 6134])
    names = [f'street/{t:05}.jpg' for t in range(3)]
    video = dict(id=1, file_names=names, height=64, width=96, length=3)
    track = dict(id=1, video_id=1, category_id=1, segmentations=[box, None, box])
    content = dict(
        videos=[video], annotations=[track], categories=[dict(id=1, name='car')]
    )
    path.write_text(json.dumps(content))


def _write_model(root: Path) -> None:
    """``tiny.py``, ready to train and test on ``kitti``, and ``tiny.pth``."""
    cfg = Config.fromfile(DEMO)
    cfg.model = tiny_config(tracker=SHOWS_ALL)
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=5)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = 'kitti'
        loader.num_workers, loader.persistent_workers = 0, False
    for metric in (*cfg.val_evaluator, *cfg.test_evaluator):
        metric.ann_file = 'kitti/annotations/val.json'
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1, val_interval=1)
    cfg.param_scheduler = cfg.param_scheduler[:1]
    cfg.dump(str(root / 'tiny.py'))
    torch.manual_seed(0)
    weights = MODELS.build(cfg.model).state_dict()
    meta = dict(dataset_meta=dict(classes=CLASSES))
    torch.save(dict(state_dict=weights, meta=meta), root / 'tiny.pth')
