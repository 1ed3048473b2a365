"""The command lines: what they write, what they print, how they exit."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from converter_kit import (
    CONVERTERS,
    coco_frames,
    mapillary,
    mots_challenge,
    png_folders,
    youtubevis,
)
from PIL import Image

from mmvist.testing import write_toy_mots

TOOLS = Path(__file__).parents[2] / 'tools' / 'dataset_converters'


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('toy')
    write_toy_mots(root)
    return root


def kitti(*args: object) -> int:
    return load('kitti_mots2coco').main([str(a) for a in args])


def test_both_splits_by_default(
    toy_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert kitti(toy_root, tmp_path) == 0
    train, val = tmp_path / 'train.json', tmp_path / 'val.json'
    assert train.read_bytes() == val.read_bytes()
    assert train.read_bytes() == (toy_root / 'annotations/train.json').read_bytes()
    out = capsys.readouterr().out
    assert f'{train}: 1 videos, 6 frames, 13 annotations' in out


@pytest.mark.parametrize(
    'which',
    [('--sequences', '0000-0000'), ('--split-file', 'splits/val.txt')],
)
def test_explicit_lists(toy_root: Path, tmp_path: Path, which: tuple) -> None:
    option, value = which
    value = toy_root / value if option == '--split-file' else value
    assert kitti(toy_root, tmp_path, option, value, '--name', 'mine') == 0
    assert [p.name for p in tmp_path.iterdir()] == ['mine.json']


def test_all_sequences_and_a_class_list(toy_root: Path, tmp_path: Path) -> None:
    args = ('--split', 'all', '--classes', '1=auto', '2=person')
    assert kitti(toy_root, tmp_path, *args) == 0
    content = json.loads((tmp_path / 'all.json').read_text())
    assert [c['name'] for c in content['categories']] == ['auto', 'person']


def test_list_needs_a_name(toy_root: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        kitti(toy_root, tmp_path, '--sequences', '0000')
    assert caught.value.code == 2


def test_overwrites_only_when_forced(
    toy_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / 'val.json').write_text('mine')
    assert kitti(toy_root, tmp_path) == 2
    error = capsys.readouterr().err
    assert error == f'error: {tmp_path}/val.json: exists already; add --force to ' + (
        'overwrite it\n'
    )
    assert not (tmp_path / 'train.json').exists()
    assert (tmp_path / 'val.json').read_text() == 'mine'
    assert kitti(toy_root, tmp_path, '--force') == 0


def test_a_broken_split_leaves_no_other(
    toy_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """The mended data then convert with the same command, without --force."""
    root = tmp_path / 'toy'
    shutil.copytree(toy_root, root)
    (root / 'splits/val.txt').write_text('0009\n')
    assert kitti(root, tmp_path / 'out') == 2
    assert '0009: no such sequence folder' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (('--split', 'test'), 'splits/test.txt: no such split file'),
        (('--split', 'all', '--frames', 'none'), 'none: no such folder'),
        (('--split', 'all', '--classes', 'car'), '--classes car: write it as'),
        (('--sequences', '0009', '--name', 'x'), '0009: no such sequence folder'),
    ],
)
def test_one_line_and_exit_code_two(
    toy_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    args: tuple,
    message: str,
) -> None:
    assert kitti(toy_root, tmp_path, *args) == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_as_a_process(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, TOOLS / 'kitti_mots2coco.py', tmp_path, tmp_path / 'out'],
        capture_output=True,
        text=True,
        cwd=TOOLS.parents[1],
    )
    assert found.returncode == 2
    assert f'error: {tmp_path}/training/image_02: no such folder' in found.stderr
    assert 'Traceback' not in found.stderr


def test_youtubevis(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool = load('youtubevis2coco')
    source, target = tmp_path / 'in.json', tmp_path / 'out/train.json'
    runs = dict(size=[4, 5], counts=[5, 3, 12])
    source.write_text(
        json.dumps(
            dict(
                videos=[
                    dict(id=1, height=4, width=5, file_names=['a/0.jpg', 'a/1.jpg'])
                ],
                categories=[dict(id=3, name='owl')],
                annotations=[
                    dict(id=8, video_id=1, category_id=3, segmentations=[None, runs])
                ],
            )
        )
    )
    assert tool.main([str(source), str(target)]) == 0
    assert '1 videos, 2 frames, 1 annotations' in capsys.readouterr().out
    (ann,) = json.loads(target.read_text())['annotations']
    assert (ann['image_id'], ann['area'], ann['bbox']) == (2, 3, [1, 1, 1, 3])
    assert tool.main([str(source), str(target)]) == 2
    assert 'exists already' in capsys.readouterr().err


def test_youtubevis_held_out(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, source = load('youtubevis2coco'), str(youtubevis(tmp_path)[0])
    args = [source, str(tmp_path / 'out/paper.json')]
    assert tool.main([*args, '--split', 'paper']) == 2
    assert 'has 5 videos, not the 2238' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
    assert tool.main([*args, '--held-out-count', '2']) == 0
    out = capsys.readouterr().out
    assert f'{tmp_path}/out/paper_train.json: 3 videos, 6 frames, 3 annot' in out
    assert f'{tmp_path}/out/paper_val.json: 2 videos, 4 frames, 2 annotations' in out
    names = (tmp_path / 'out/paper_val.txt').read_text()
    # SHA-256 of v1 is 3bfc..., of v4 8e38..., of v3 e0d2...
    assert names == 'v1\nv4\n'
    videos = json.loads((tmp_path / 'out/paper_val.json').read_text())['videos']
    assert [video['name'] for video in videos] == ['v1', 'v4']
    more = ['--held-out', str(tmp_path / 'out/paper_val.txt')]
    assert tool.main([source, str(tmp_path / 'again.json'), *more]) == 0
    for part in ('_train.json', '_val.json', '_val.txt'):
        first, second = tmp_path / f'out/paper{part}', tmp_path / f'again{part}'
        assert first.read_bytes() == second.read_bytes()


def test_youtubevis_frames(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, source = load('youtubevis2coco'), youtubevis(tmp_path, videos=2)[0]
    for name in ('v1/0.jpg', 'v1/5.jpg', 'v2/5.jpg'):
        (tmp_path / 'JPEGImages' / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (5, 4)).save(tmp_path / 'JPEGImages' / name)
    args = [str(source), str(tmp_path / 'out.json')]
    args += ['--frames', str(tmp_path / 'JPEGImages')]
    assert tool.main(args) == 2
    error = capsys.readouterr().err
    assert 'JPEGImages: lacks 1 of the 4 frames of in.json: v2/0.jpg; fetch' in error
    assert not (tmp_path / 'out.json').exists()
    Image.new('RGB', (5, 4)).save(tmp_path / 'JPEGImages/v2/0.jpg')
    assert tool.main(args) == 0


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'cannot be read'),
        ('{', 'is no json'),
        ('[]', 'holds no object but a list'),
    ],
)
def test_youtubevis_bad_file(
    tmp_path: Path, capsys: pytest.CaptureFixture, text: str | None, message: str
) -> None:
    source = tmp_path / 'in.json'
    if text is not None:
        source.write_text(text)
    assert load('youtubevis2coco').main([str(source), str(tmp_path / 'out.json')]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'error: {source}: ') and message in error


def test_make_synthetic(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, root = load('make_synthetic'), tmp_path / 'synthetic'
    args = '--train-clips 1 --val-clips 1 --frames 20 --size 96x64 --workers 1'
    assert tool.main([str(root), *args.split()]) == 0
    out = capsys.readouterr().out
    assert 'train: ' in out and '  val: ' in out
    assert out.count('identity switches of IoU linking') == 2
    assert len(list(root.glob('training/image_02/*/*.png'))) == 40
    assert kitti(root, root / 'annotations') == 0
    assert tool.main([str(root)]) == 2
    assert 'is not empty' in capsys.readouterr().err


def test_make_synthetic_bad_size(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        load('make_synthetic').main(['out', '--size', 'large'])
    assert "'large' is no WIDTHxHEIGHT" in capsys.readouterr().err


def test_mots_challenge_folds(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, args = load('mots_challenge2coco'), [str(a) for a in mots_challenge(tmp_path)]
    out = tmp_path / 'out'
    assert tool.main(args) == 0
    assert f'{out}/all.json: 3 videos, 18 frames, 3 annotations' in (
        capsys.readouterr().out
    )
    train = json.loads((out / 'MOTS20-05_train.json').read_text())
    assert [video['name'] for video in train['videos']] == ['MOTS20-02', 'MOTS20-09']
    val = json.loads((out / 'MOTS20-05_val.json').read_text())
    assert [video['name'] for video in val['videos']] == ['MOTS20-05']
    assert tool.main(args) == 2
    assert 'exists already' in capsys.readouterr().err
    assert tool.main([*args[:2], '--sequences', 'MOTS20-02']) == 2
    assert 'left out' in capsys.readouterr().err


def test_png_folders(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, out = load('png_folders2coco'), tmp_path / 'out/all.json'
    args = [str(argument) for argument in png_folders(tmp_path)[:2]]
    assert tool.main([*args, '--classes', 'object']) == 0
    assert f'{out}: 1 videos, 6 frames, 13 annotations' in capsys.readouterr().out
    labels = tmp_path / 'labels.json'
    labels.write_text(json.dumps({'0000': {'1': 'car', '2': 'car', '3': 'person'}}))
    more = ['--classes', 'car', 'person', '--labels', str(labels), '--force']
    assert tool.main([*args, *more]) == 0
    found = json.loads(out.read_text())
    assert {a['category_id'] for a in found['annotations']} == {1, 2}
    assert tool.main([*args, '--classes', 'a', 'b', '--force']) == 2
    assert 'nothing says of which one' in capsys.readouterr().err


def test_coco_frames(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The same instances as in the layout of KITTI MOTS."""
    tool, args = load('coco_frames2coco'), [str(a) for a in coco_frames(tmp_path)]
    assert tool.main(args) == 0
    assert '1 videos, 6 frames, 13 annotations' in capsys.readouterr().out
    found = json.loads((tmp_path / 'out/all.json').read_text())
    truth = json.loads((tmp_path / 'toy/annotations/train.json').read_text())
    for key in ('annotations', 'images', 'videos', 'categories'):
        assert found[key] == truth[key]
    (tmp_path / 'list.txt').write_text('0001\n')
    more = ['--force', '--split-file', str(tmp_path / 'list.txt')]
    assert tool.main([*args, *more]) == 2
    assert '0001: no such sequence folder' in capsys.readouterr().err
    assert tool.main([*args, '--force', '--identity', 'object_id']) == 2
    assert 'has no object_id' in capsys.readouterr().err
    assert tool.main([*args, '--force', '--classes', 'pedestrian']) == 0
    assert '1 videos, 6 frames, 4 annotations' in capsys.readouterr().out


def test_mapillary(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tool, args = load('mapillary2coco'), [str(a) for a in mapillary(tmp_path)]
    assert tool.main(args) == 0
    out = capsys.readouterr().out
    assert f'{tmp_path}/out/training.json: 6 images, 13 annotations' in out
    found = json.loads((tmp_path / 'out/training.json').read_text())
    truth = json.loads((tmp_path / 'toy/annotations/train.json').read_text())
    names = {1: 'car', 2: 'person'}
    assert found['categories'] == [dict(id=i, name=name) for i, name in names.items()]
    masks = [
        {(a['image_id'], a['category_id'], a['segmentation']['counts']) for a in some}
        for some in (found['annotations'], truth['annotations'])
    ]
    assert masks[0] == masks[1] and len(masks[0]) == 13
    more = ['--force', '--split', 'validation', '--classes', 'rider=human--person']
    assert tool.main([*args, *more]) == 0
    assert 'validation.json: 6 images, 4 annotations' in capsys.readouterr().out
    for classes in ('human--person', 'person=', '=human--person', 'a=b,,c'):
        assert tool.main([*args, '--force', '--classes', classes]) == 2
        assert f'--classes {classes}: write it as NAME=' in capsys.readouterr().err
    assert tool.main([*args, '--force', '--version', 'v2.0']) == 2
    assert 'has no config_v2.0.json' in capsys.readouterr().err


def test_every_converter_is_in_the_kit() -> None:
    tools = {path.stem for path in TOOLS.glob('*2coco.py')}
    assert tools == {name.partition(',')[0] for name in CONVERTERS}


@pytest.mark.parametrize('name', CONVERTERS)
def test_every_converter_shows_repeats_and_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture, name: str
) -> None:
    """A progress bar, the same bytes each time, and nothing overwritten unasked."""
    write_input, files = CONVERTERS[name]
    tool = load(name.partition(',')[0])
    args = [str(argument) for argument in write_input(tmp_path)]
    out = tmp_path / 'out'

    def made() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in out.iterdir()}

    assert tool.main(args) == 0
    shown = capsys.readouterr().out
    first = made()
    assert sorted(first) == sorted(files)
    bars = [line for line in shown.splitlines() if '100%' in line]
    assert len(bars) == sum(file.endswith('.json') for file in files)
    assert all(f'{out}/{file}: ' in shown for file in files)

    for file in files:  # each of them alone is enough
        for path in out.iterdir():
            path.unlink()
        (out / file).write_text('mine')
        assert tool.main(args) == 2
        captured = capsys.readouterr()
        error = f'error: {out}/{file}: exists already; add --force to overwrite it\n'
        assert captured.err == error and '%' not in captured.out
        assert made() == {file: b'mine'}

    assert tool.main([*args, '--force']) == 0
    assert made() == first


def test_kitti_frames_without_truth(toy_root: Path, tmp_path: Path) -> None:
    root = tmp_path / 'toy'
    shutil.copytree(toy_root / 'training', root / 'testing')
    args = ('--frames', 'testing/image_02', '--sequences', '0000-0000')
    args += ('--name', 'test', '--no-truth')
    assert kitti(root, tmp_path / 'out', *args) == 0
    content = json.loads((tmp_path / 'out/test.json').read_text())
    assert len(content['images']) == 6 and not content['annotations']
    assert [c['name'] for c in content['categories']] == ['car', 'pedestrian']


def test_mots_challenge_without_truth(tmp_path: Path) -> None:
    """The sequences of the benchmark's test set by default, and no folds."""
    args = [str(one) for one in mots_challenge(tmp_path)[:2]]
    shutil.copytree(tmp_path / 'train/MOTS20-09', tmp_path / 'train/MOTS20-12')
    for old, new in (('02', '01'), ('05', '06'), ('09', '07')):
        (tmp_path / f'train/MOTS20-{old}').rename(tmp_path / f'train/MOTS20-{new}')
    for truth in tmp_path.glob('train/*/gt/gt.txt'):
        truth.unlink()
    assert load('mots_challenge2coco').main([*args, '--no-truth']) == 0
    assert [one.name for one in (tmp_path / 'out').iterdir()] == ['test.json']
    content = json.loads((tmp_path / 'out/test.json').read_text())
    names = [video['name'] for video in content['videos']]
    assert names == ['MOTS20-01', 'MOTS20-06', 'MOTS20-07', 'MOTS20-12']
    assert not content['annotations']
