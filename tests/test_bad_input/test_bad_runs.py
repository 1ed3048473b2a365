"""Training, testing, scoring and tracking with what cannot work."""

import json
import pickle
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

SCORE = ('evaluate.py', 'txt', 'kitti/annotations/val.json', '--metrics', 'mots')
BROWSE = ('browse_dataset.py', 'kitti/annotations/val.json')
BROWSE = (*BROWSE, '--images', 'kitti/training/image_02', '--out', 'out.mp4')
COMPARE = ('analysis_tools/compare.py', 'kitti/annotations/val.json', 'txt')
COMPARE = (*COMPARE, '--images', 'kitti/training/image_02', '--out', 'figure.png')
REPORT = ('analysis_tools/object_report.py', 'tracks.pkl', 'kitti/annotations/val.json')

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


def predicted() -> None:
    """``txt``, the truth as a prediction."""
    shutil.copytree('kitti/instances_txt', 'txt')


def truth(change: Callable[[dict], object]) -> Callable[[], None]:
    def harm() -> None:
        predicted()
        change_json(TRUTH, change)

    return harm


def annotation(**change: object) -> Callable[[], None]:
    return truth(lambda c: c['annotations'][0].update(change))


def zero_bytes(path: str) -> None:
    Path(path).write_bytes(b'')


def tracks_of_another_set() -> None:
    frame = dict(img_id=77, masks=[], instances_id=[], scores=[])
    Path('tracks.pkl').write_bytes(pickle.dumps([frame]))


CASES: dict[str, tuple[tuple, Callable[[], object], str]] = {
    'config missing': (TRAIN, lambda: remove('tiny.py'), 'config tiny.py does not'),
    'config with a typing error': (
        TRAIN,
        lambda: write('tiny.py', 'model = dict(\n'),
        'tiny.py',
    ),
    'config of nothing': (
        TRAIN,
        lambda: write('tiny.py', 'a = 1\n'),
        'tiny.py has no model',
    ),
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
    'annotations cut': (TRAIN, lambda: truncate(LEARN), 'JSONDecodeError'),
    'annotations of another kind': (
        TRAIN,
        lambda: write(LEARN, '{}'),
        "KeyError: 'categories'",
    ),
    'no video in the annotations': (
        TRAIN,
        nothing_annotated,
        'train.json: holds no frames',
    ),
    'class of the config not in the data': (
        TRAIN,
        unknown_class,
        "has no class 'car', only",
    ),
    'frame of training missing': (
        TRAIN,
        lambda: all_frames(remove),
        '.png: No such file',
    ),
    'frame of training unreadable': (
        TRAIN,
        lambda: all_frames(lambda path: truncate(path, 0.1)),
        '.png: cannot be read as a picture',
    ),
    'frame of training of another size': (
        TRAIN,
        lambda: [
            picture(str(p), (32, 48), (1, 2, 3)) for p in Path(FRAME).parent.iterdir()
        ],
        '48 x 32',
    ),
    'work dir in the way': (TRAIN, lambda: write('run', 'mine'), 'run: File exists'),
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
    'video cut': (VIDEO, lambda: truncate('video.mp4', 0.3), 'video.mp4 is no video'),
    'video of text': (VIDEO, lambda: write('video.mp4', 'x'), 'is no video'),
    'video of no frames': (VIDEO, video_without_frames, 'video.mp4 holds no video'),
    'sound without pictures': (VIDEO, sound_alone, 'video.mp4 holds no video'),
    'folder without pictures': (VIDEO, empty_folder, 'video.mp4 holds no pictures'),
    'place of the video missing': (
        (*VIDEO[:2], 'none/out.mp4', *VIDEO[3:]),
        lambda: None,
        'folder none of the output does not exist',
    ),
    'weights of other classes': (VIDEO, other_classes, 'does not fit the config'),
    'option without a value': (
        (*TRAIN, '--cfg-options', 'x'),
        lambda: None,
        '--cfg-options x: write it as KEY=VALUE',
    ),
    'option into a number': (
        (*TRAIN, '--cfg-options', 'train_cfg.max_iters.x=3'),
        lambda: None,
        '--cfg-options do not fit config tiny.py',
    ),
    'resume from weights': (
        (*TRAIN, '--resume', 'tiny.pth'),
        lambda: None,
        'checkpoint tiny.pth holds weights alone',
    ),
    'frame of training empty': (
        TRAIN,
        lambda: all_frames(zero_bytes),
        'is empty (0 bytes)',
    ),
    'truth a list of objects': (
        SCORE,
        lambda: (predicted(), write(TRUTH, '[{"a": 1}]')),
        'val.json is not a CocoVID-style',
    ),
    'truth of another format': (
        (*SCORE[:2], 'video.mp4'),
        predicted,
        'video.mp4: is no json',
    ),
    'truth without frames': (
        SCORE,
        truth(lambda c: c.update(images=[], annotations=[])),
        'val.json: holds no frames',
    ),
    'truth without frame numbers': (
        SCORE,
        truth(lambda c: c['images'][0].pop('frame_id')),
        'images[0]: frame_id is no whole number',
    ),
    'truth of an unknown video': (
        SCORE,
        truth(lambda c: c['images'][0].update(video_id=7)),
        'is of video 7: not there',
    ),
    'truth of an unknown class': (
        SCORE,
        annotation(category_id=7),
        'annotation 1 is of class 7: not there',
    ),
    'truth with a class twice': (
        SCORE,
        truth(lambda c: c['categories'].append(dict(id=3, name='car'))),
        "class 'car' is listed twice",
    ),
    'truth with a broken number': (
        SCORE,
        annotation(instance_id=1.5),
        'annotation 1: instance_id 1.5 is no whole number',
    ),
    'truth with a cut mask': (
        SCORE,
        annotation(segmentation=dict(size=[64, 96], counts='01')),
        'annotation 1: run-length code is of',
    ),
    'truth with an undecodable mask': (
        SCORE,
        annotation(segmentation=dict(size=[64, 96], counts='~~')),
        'annotation 1: run-length code cannot be read',
    ),
    'truth with a polygon of a point': (
        SCORE,
        annotation(segmentation=[[1, 2]]),
        'annotation 1: polygon of 2 numbers',
    ),
    'class judged twice': (
        (*SCORE, '--classes', 'car', 'car'),
        predicted,
        "class 'car' is listed twice",
    ),
    'drawn over the frames': (
        (*BROWSE[:-1], str(Path(FRAME).parent)),
        lambda: None,
        '0000 is not empty; name a new one',
    ),
    'drawn frame empty': (
        BROWSE,
        lambda: all_frames(zero_bytes),
        '000000.png cannot be read as a picture',
    ),
    'drawn without time': (
        (*BROWSE, '--fps', 'nan'),
        lambda: None,
        'nan frames a second cannot be written',
    ),
    'figure over a frame': (
        (*COMPARE[:-1], FRAME),
        predicted,
        '000002.png is one of the frames',
    ),
    'tracks of another set': (REPORT, tracks_of_another_set, 'no frame of the tracks'),
    'config of tracking cut': (
        VIDEO,
        lambda: write('tiny.py', 'model = dict(\n'),
        'config tiny.py cannot be read',
    ),
    'config and checkpoint swapped': (
        (*VIDEO[:-4], '--config', 'tiny.pth', '--checkpoint', 'tiny.py'),
        lambda: None,
        'config tiny.pth is no .py',
    ),
    'tracked over the frames': (
        (*VIDEO[:2], str(Path(FRAME).parent), *VIDEO[3:]),
        lambda: None,
        '0000 is not empty; name a new one',
    ),
    'tracked over itself, by a link': (
        (*VIDEO[:2], 'link.mp4', *VIDEO[3:]),
        lambda: Path('link.mp4').hardlink_to('video.mp4'),
        'link.mp4 is an input, video.mp4',
    ),
    'written over the config': (
        (*VIDEO, '--save-json', 'tiny.py'),
        lambda: None,
        'tiny.py is an input',
    ),
    'two outputs of one name': (
        (*VIDEO, '--save-json', 'out.mp4'),
        lambda: None,
        'OUT and --save-json are both',
    ),
    'first picture of a folder empty': (
        (VIDEO[0], str(Path(FRAME).parent), *VIDEO[2:]),
        lambda: all_frames(zero_bytes),
        '000000.png cannot be read as a picture',
    ),
    'lines on a full disk': (
        (*VIDEO[:2], '--save-json', 'full.json', *VIDEO[3:]),
        lambda: Path('full.json').symlink_to('/dev/full'),
        'full.json cannot be written: No space left',
    ),
}


@pytest.mark.parametrize('name', CASES)
def test_refused(refusal: Callable, name: str) -> None:
    (tool, *args), harm, message = CASES[name]
    harm()
    ended = refusal(tool, *args)
    assert ended.code == 2
    # argparse puts the name of the tool in front
    assert 'error: ' in ended.error and message in ended.error
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
    'harm',
    [
        lambda: remove(FRAME),
        lambda: zero_bytes(FRAME),
        lambda: truncate(FRAME, 0.1),
        lambda: truncate(FRAME, 0.9),
        lambda: write(FRAME, 'no picture'),
    ],
    ids=['missing', 'empty', 'cut early', 'cut late', 'no picture'],
)
def test_a_frame_that_cannot_be_read_is_left_out(
    refusal: Callable, harm: Callable[[], object]
) -> None:
    harm()
    ended = refusal(*TEST, '--out', 'tracks.pkl')
    assert ended.code == 3
    assert f'error: 1 frame could not be read and has no results: {FRAME}; ' in (
        ended.error
    )
    assert {'run/metrics.json', 'tracks.pkl'} <= set(ended.new)
    frames = pickle.loads(Path('tracks.pkl').read_bytes())
    assert len(frames) == len(json.loads(Path(TRUTH).read_text())['images'])
    shown = {one['img_path']: len(one['scores']) for one in frames}
    assert shown.pop(FRAME) == 0 and all(shown.values()), shown
    metrics = json.loads(Path('run/metrics.json').read_text())
    assert metrics['unreadable_frames'] == 1


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
