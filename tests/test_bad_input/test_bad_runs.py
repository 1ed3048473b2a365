"""Training, testing, scoring and tracking with what cannot work."""

import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import av
import pytest
import torch
from spoil import change_json, picture, remove, replace, truncate, write

TRAIN = ('train.py', 'tiny.py', '--work-dir', 'run')
TEST = ('test.py', 'tiny.py', 'tiny.pth', '--eval', 'mots', '--work-dir', 'run')
VIDEO = (
    *('track_video.py', 'video.mp4', 'out.mp4', '--device', 'cpu'),
    *('--config', 'tiny.py', '--checkpoint', 'tiny.pth'),
)
EVALUATE = ('evaluate.py', 'predicted', 'kitti/annotations/val.json')
EVALUATE = (*EVALUATE, '--metrics', 'mots', '--work-dir', 'run')

FRAME = 'kitti/training/image_02/0000/000002.png'
TRUTH = 'kitti/annotations/val.json'
LEARN = 'kitti/annotations/train.json'


def all_frames(harm: Callable[[str], object]) -> None:
    for path in Path(FRAME).parent.iterdir():
        harm(str(path))


def weights(change: Callable[[dict], object]) -> None:
    checkpoint = torch.load('tiny.pth', weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, 'tiny.pth')


def other_classes() -> None:
    """Trained for three classes, tested with two."""

    def grow(checkpoint: dict) -> None:
        state = checkpoint['state_dict']
        for name, value in state.items():
            if name.endswith('fc_cls.weight'):
                state[name] = torch.cat([value, value[:1]])
        checkpoint['meta']['dataset_meta'] = dict(classes=('car', 'dog', 'cat'))

    weights(grow)


def renamed_classes() -> None:
    """As many classes, but others."""
    weights(lambda c: c['meta']['dataset_meta'].update(classes=('cat', 'dog')))


def code_inside() -> None:
    """A checkpoint that would run something when unpickled."""
    torch.save(dict(state_dict=dict(a=torch.zeros(1)), meta=Path('x')), 'tiny.pth')


def video_without_frames() -> None:
    with av.open('video.mp4', 'w') as container:
        stream = container.add_stream('libx264', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        container.start_encoding()


def sound_alone() -> None:
    with wave.open('video.mp4', 'wb') as sound:
        sound.setparams((1, 2, 8000, 0, 'NONE', ''))
        sound.writeframes(bytes(16000))


def folder_of_two_sizes() -> None:
    remove('video.mp4')
    Path('video.mp4').mkdir()
    picture('video.mp4/0.png', (64, 96), (1, 2, 3))
    picture('video.mp4/1.png', (32, 48), (1, 2, 3))


def folder_with_a_damaged_picture() -> None:
    remove('video.mp4')
    Path('video.mp4').mkdir()
    picture('video.mp4/0.png', (64, 96), (1, 2, 3))
    write('video.mp4/1.png', 'x')


def empty_folder() -> None:
    remove('video.mp4')
    Path('video.mp4').mkdir()


def nothing_annotated() -> None:
    change_json(LEARN, lambda c: c.update(videos=[], images=[], annotations=[]))


def unknown_class() -> None:
    change_json(LEARN, lambda c: c['categories'][0].update(name='tram'))


CASES: dict[str, tuple[tuple, Callable[[], object], str]] = {
    'config missing': (TRAIN, lambda: remove('tiny.py'), 'config tiny.py does not'),
    'config with a typing error': (
        TRAIN,
        lambda: write('tiny.py', 'model = dict(\n'),
        'tiny.py',
    ),
    'config of nothing': (TRAIN, lambda: write('tiny.py', 'a = 1\n'), 'tiny.py'),
    'config with an unknown part': (
        TRAIN,
        lambda: replace('tiny.py', 'mmvist.VideoEncoder', 'mmvist.VideoEncodr'),
        'VideoEncodr',
    ),
    'training data missing': (
        TRAIN,
        lambda: remove(LEARN),
        'annotation file kitti/annotations/train.json of train_dataloader does not',
    ),
    'frames missing': (
        TRAIN,
        lambda: shutil.rmtree('kitti/training'),
        'image folder kitti/training',
    ),
    'annotations cut': (TRAIN, lambda: truncate(LEARN), 'train.json'),
    'annotations of another kind': (TRAIN, lambda: write(LEARN, '{}'), 'train.json'),
    'no video in the annotations': (TRAIN, nothing_annotated, 'train.json'),
    'class of the config not in the data': (TRAIN, unknown_class, 'car'),
    'frame of training missing': (
        TRAIN,
        lambda: all_frames(remove),
        '.png',
    ),
    'frame of training unreadable': (
        TRAIN,
        lambda: all_frames(lambda path: truncate(path, 0.1)),
        '.png',
    ),
    'frame of training of another size': (
        TRAIN,
        lambda: [
            picture(str(p), (32, 48), (1, 2, 3)) for p in Path(FRAME).parent.iterdir()
        ],
        '48 x 32',
    ),
    'work dir in the way': (TRAIN, lambda: write('run', 'mine'), 'run'),
    'resume from nothing': (
        (*TRAIN, '--resume', 'none.pth'),
        lambda: None,
        'checkpoint none.pth does not exist',
    ),
    'start from another model': (
        (*TRAIN, '--cfg-options', 'load_from=tiny.pth'),
        lambda: weights(lambda c: c.update(state_dict=dict(a=torch.zeros(1)))),
        'checkpoint tiny.pth is of another model',
    ),
    'checkpoint missing': (TEST, lambda: remove('tiny.pth'), 'tiny.pth does not exist'),
    'checkpoint cut': (TEST, lambda: truncate('tiny.pth'), 'tiny.pth cannot be read'),
    'checkpoint of text': (TEST, lambda: write('tiny.pth', 'x'), 'checkpoint tiny.pth'),
    'checkpoint with code': (TEST, code_inside, 'tiny.pth is refused'),
    'checkpoint of another model': (
        TEST,
        lambda: weights(lambda c: c.update(state_dict=dict(a=torch.zeros(1)))),
        'is of another model',
    ),
    'checkpoint of more classes': (TEST, other_classes, 'does not fit the config'),
    'checkpoint of other classes': (TEST, renamed_classes, 'cat, dog'),
    'evaluation unknown': (
        (*TEST[:4], 'boxes', *TEST[5:]),
        lambda: None,
        'unknown evaluation boxes',
    ),
    'truth cut': (TEST, lambda: truncate(TRUTH), 'val.json'),
    'test frame missing': (TEST, lambda: remove(FRAME), '000002.png'),
    'test frame unreadable': (TEST, lambda: truncate(FRAME, 0.1), '000002.png'),
    'test frame of another size': (
        TEST,
        lambda: picture(FRAME, (32, 48), (1, 2, 3)),
        '000002.png: is 48 x 32',
    ),
    'pickle with another ending': (
        (*TEST, '--out', 'tracks.json'),
        lambda: None,
        'has to end with .pkl',
    ),
    'predictions missing': (EVALUATE, lambda: None, 'predictions predicted do not'),
    'predictions of another set': (
        EVALUATE,
        lambda: Path('predicted').mkdir(),
        '0000.txt: cannot be read',
    ),
    'video missing': (VIDEO, lambda: remove('video.mp4'), 'video.mp4 does not exist'),
    'video cut': (VIDEO, lambda: truncate('video.mp4', 0.3), 'video.mp4'),
    'video of text': (VIDEO, lambda: write('video.mp4', 'x'), 'is no video'),
    'video of no frames': (VIDEO, video_without_frames, 'video.mp4'),
    'sound without pictures': (VIDEO, sound_alone, 'video.mp4 holds no video'),
    'folder without pictures': (VIDEO, empty_folder, 'video.mp4 holds no pictures'),
    'place of the video missing': (
        (*VIDEO[:2], 'none/out.mp4', *VIDEO[3:]),
        lambda: None,
        'folder none of the output does not exist',
    ),
    'weights of other classes': (VIDEO, other_classes, 'does not fit the config'),
}


@pytest.mark.parametrize('name', CASES)
def test_refused(refusal: Callable, name: str) -> None:
    (tool, *args), harm, message = CASES[name]
    harm()
    ended = refusal(tool, *args)
    assert ended.code == 2
    assert ended.error.startswith('error: ') and message in ended.error
    # logs and the config of a run may stay, results may not
    results = ('.json', '.pth', '.pkl', '.txt', '.mp4', '.png')
    assert not ended.changed
    assert not [name for name in ended.new if name.endswith(results)]


@pytest.mark.parametrize(
    ('command', 'result'),
    [(TRAIN, 'run/iter_1.pth'), (TEST, 'run/metrics.json'), (VIDEO, 'out.mp4')],
)
def test_what_is_not_spoilt_passes(
    refusal: Callable, command: tuple, result: str
) -> None:
    """The cases above fail for their own reason alone."""
    ended = refusal(*command)
    assert ended.code == 0, ended.error
    assert result in ended.new


@pytest.mark.parametrize(
    ('harm', 'message'),
    [
        (folder_of_two_sizes, 'frame 1 is 48 x 32'),
        (folder_with_a_damaged_picture, '1.png cannot be read'),
    ],
)
def test_frames_before_the_damage_stay(
    refusal: Callable, harm: Callable[[], object], message: str
) -> None:
    harm()
    ended = refusal(*VIDEO)
    assert ended.code == 2 and message in ended.error
    assert ended.error.endswith('what was tracked until then is in out.mp4')
    with av.open('out.mp4') as container:
        assert sum(1 for _ in container.decode(video=0)) == 1
