"""Data that the converters refuse: one line, exit code 2, nothing written."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from spoil import change_json, picture, remove, replace, truncate, write

from mmvist.testing import toy_mots_txt

KITTI = ('kitti_mots2coco.py', 'kitti', 'new', '--sequences', '0000', '--name', 'all')
TXT = (*KITTI, '--instances', 'instances_txt')
CHALLENGE = (
    'mots_challenge2coco.py',
    'challenge',
    'new',
    *('--sequences', 'MOTS20-02', 'MOTS20-05'),
)
INDEXED = (
    'png_folders2coco.py',
    *('indexed', 'new/all.json', '--classes', 'car', 'pedestrian'),
    *('--labels', 'indexed/labels.json'),
)
VIS = ('youtubevis2coco.py', 'vis.json', 'new/vis.json')
COCO = ('coco_frames2coco.py', 'coco', 'new/all.json')
VISTAS = ('mapillary2coco.py', 'vistas', 'new')

FRAME = 'kitti/training/image_02/0000/000003.png'
MASK = 'kitti/instances/0000/000003.png'
LINES = 'kitti/instances_txt/0000.txt'
ONE = 'challenge/MOTS20-02'
STREET = 'indexed/Annotations/street/00002.png'


def empty(folder: str) -> None:
    shutil.rmtree(folder)
    Path(folder).mkdir()


def overlap() -> None:
    """The pedestrian's mask of frame 0 once more, as another one."""
    first, second, *_ = Path(LINES).read_text().splitlines()
    line = second if ' 2001 ' in second else first
    with Path(LINES).open('a') as file:
        file.write(line.replace(' 2001 ', ' 2002 ') + '\n')


def other_size() -> None:
    masks = np.full((1, 32, 48), 1001, np.uint16)
    write(LINES, toy_mots_txt(masks))


def track(**change: object) -> None:
    change_json('vis.json', lambda c: c['annotations'][0].update(change))


def with_mark(path: str) -> None:
    """Saved by an editor of Windows."""
    Path(path).write_bytes(b'\xef\xbb\xbf' + Path(path).read_bytes())


def coco_frames() -> None:
    """``COCO``, of one frame without instances."""
    for kind in ('images', 'annotations'):
        Path('coco', kind, 'street').mkdir(parents=True)
    picture('coco/images/street/0.png', value=(1, 2, 3))
    image = dict(id=1, file_name='0.png', height=64, width=96)
    categories = [dict(id=1, name='car')]
    content = dict(images=[image], annotations=[], categories=categories)
    write('coco/annotations/street/0.json', json.dumps(content))


def coco_list_of_numbers() -> None:
    coco_frames()
    change_json('coco/annotations/street/0.json', lambda c: c.update(annotations=[1]))


def half_of_vistas() -> None:
    """``VISTAS``, of which the validation set was not fetched."""
    for kind, value in [('images', (1, 2, 3)), ('instances', 256)]:
        Path('vistas/training', kind).mkdir(parents=True)
        picture(f'vistas/training/{kind}/0.png', value=value)
    names = ['human--person', 'object--vehicle--car']
    labels = [dict(name=name, instances=True) for name in names]
    write('vistas/config.json', json.dumps(dict(labels=labels)))


CASES: dict[str, tuple[tuple, Callable[[], object], str]] = {
    # what is broken: the command, how, what the line says
    'frame missing': (KITTI, lambda: remove(FRAME), 'has no frame 000003'),
    'frame cut': (KITTI, lambda: truncate(FRAME), '000003.png: '),
    'frame of another kind': (KITTI, lambda: write(FRAME, 'x'), '000003.png: '),
    'frame of another size': (
        KITTI,
        lambda: picture(FRAME, (32, 48), (9, 9, 9)),
        '000003.png: is 48 x 32',
    ),
    'mask missing': (KITTI, lambda: remove(MASK), '000003.png'),
    'mask cut': (KITTI, lambda: truncate(MASK), '000003.png: cannot be read'),
    'mask of another size': (
        KITTI,
        lambda: picture(MASK, (32, 48), 1001),
        '000003.png: is 48 x 32',
    ),
    'mask in colour': (KITTI, lambda: picture(MASK, value=(1, 2, 3)), '000003.png: '),
    'id outside the classes': (KITTI, lambda: picture(MASK, value=3001), '3001'),
    'sequence empty': (
        KITTI,
        lambda: empty('kitti/training/image_02/0000'),
        '0000: ',
    ),
    'sequence unknown': ((*KITTI[:4], '0007', *KITTI[5:]), lambda: None, '0007: no'),
    'folder unknown': (
        ('kitti_mots2coco.py', 'elsewhere', 'new', *KITTI[3:]),
        lambda: None,
        'elsewhere',
    ),
    'output is in the way': (
        KITTI,
        lambda: write('new', 'mine'),
        'new/all.json: cannot be written',
    ),
    'output is there': (
        ('kitti_mots2coco.py', 'kitti', 'kitti/annotations', *KITTI[3:6], 'val'),
        lambda: None,
        'val.json: exists already; add --force',
    ),
    'txt missing': (TXT, lambda: remove(LINES), 'nor a file 0000.txt'),
    'txt with a word': (TXT, lambda: write(LINES, '0 a 1 64 96 x\n'), '0000.txt:1: '),
    'txt with few fields': (TXT, lambda: write(LINES, '0 1001 1\n'), 'has 3 fields'),
    'txt id outside its class': (
        TXT,
        lambda: replace(LINES, ' 2001 2 ', ' 1009 2 '),
        'id 1009 is outside its class 2',
    ),
    'txt class unknown': (
        TXT,
        lambda: replace(LINES, ' 2001 2 ', ' 4001 4 '),
        'class 4 is none of',
    ),
    'txt masks overlap': (TXT, overlap, 'mask overlaps that of line'),
    'txt id twice': (
        TXT,
        lambda: replace(LINES, ' 1002 1 ', ' 1001 1 '),
        'id 1001 is in frame 3 already',
    ),
    'txt mask undecodable': (
        TXT,
        lambda: replace(LINES, mots_line_code(), '@@~'),
        'run-length code',
    ),
    'txt of another size': (TXT, other_size, '0000.txt:1: '),
    'txt of another frame': (
        TXT,
        lambda: write(LINES, Path(LINES).read_text().replace('\n5 ', '\n9 ')),
        'has no frame 000009',
    ),
    'seqinfo missing': (
        CHALLENGE,
        lambda: remove(f'{ONE}/seqinfo.ini'),
        'seqinfo.ini: is missing',
    ),
    'seqinfo of another length': (
        CHALLENGE,
        lambda: replace(f'{ONE}/seqinfo.ini', 'seqLength=6', 'seqLength=9'),
        'seqLength is 9, but',
    ),
    'challenge frame missing': (
        CHALLENGE,
        lambda: remove(f'{ONE}/img1/000002.png'),
        'frame 000002 is missing',
    ),
    'challenge truth missing': (
        CHALLENGE,
        lambda: remove(f'{ONE}/gt/gt.txt'),
        'gt.txt: cannot be read',
    ),
    'indexed mask in colour': (
        INDEXED,
        lambda: picture(STREET, value=(1, 1, 1)),
        '00002.png: has 3 channels',
    ),
    'indexed mask of another size': (
        INDEXED,
        lambda: picture(STREET, (32, 48), 1),
        '00002.png: is 48 x 32',
    ),
    'instance without a class': (
        INDEXED,
        lambda: picture(STREET, value=7),
        'instance 7 of sequence street has no class',
    ),
    'class not named': (
        (*INDEXED[:4], 'car', *INDEXED[6:]),
        lambda: None,
        'is a pedestrian, which is none of',
    ),
    'labels cut': (
        INDEXED,
        lambda: truncate('indexed/labels.json'),
        'labels.json: is no json',
    ),
    'vis json cut': (VIS, lambda: truncate('vis.json'), 'vis.json: is no json'),
    'vis json a list': (VIS, lambda: write('vis.json', '[]'), 'holds no object'),
    'vis json without videos': (
        VIS,
        lambda: change_json('vis.json', lambda c: c.pop('videos')),
        'vis.json: has no videos',
    ),
    'vis class unknown': (
        VIS,
        lambda: change_json(
            'vis.json', lambda c: c['annotations'][0].update(category_id=5)
        ),
        'track 1 is of class 5: not there',
    ),
    'vis masks missing': (
        VIS,
        lambda: change_json(
            'vis.json', lambda c: c['annotations'][0]['segmentations'].pop()
        ),
        'track 1 has 2 masks, but its video has 3 frames',
    ),
    'vis mask of another size': (
        VIS,
        lambda: change_json(
            'vis.json',
            lambda c: c['annotations'][0]['segmentations'][0].update(size=[9, 9]),
        ),
        'track 1, frame 0: mask is [9, 9]',
    ),
    'vis mask too short': (
        VIS,
        lambda: change_json(
            'vis.json',
            lambda c: c['annotations'][0]['segmentations'][0].update(counts=[5]),
        ),
        'run-length code is of 5 pixels',
    ),
    'vis mask undecodable': (
        VIS,
        lambda: change_json(
            'vis.json',
            lambda c: c['annotations'][0]['segmentations'][0].update(counts='~@'),
        ),
        'track 1, frame 0: ',
    ),
    'vis size missing': (
        VIS,
        lambda: change_json('vis.json', lambda c: c['videos'][0].pop('height')),
        'vis.json: ',
    ),
    'txt of boxes': (
        TXT,
        lambda: write(LINES, '1,1,912,484,97,109,0,7,1\n'),
        '0000.txt:1: has 1 fields',
    ),
    'txt frame negative': (
        TXT,
        lambda: replace(LINES, '\n5 ', '\n-5 '),
        'are not five whole numbers',
    ),
    'txt number without end': (
        TXT,
        lambda: replace(LINES, '\n5 ', f'\n{"9" * 5000} '),
        'are not five whole numbers',
    ),
    'class number twice': (
        (*KITTI, '--classes', '1=car', '1=van'),
        lambda: None,
        '1=van: number or name is there already',
    ),
    'class name twice': (
        (*INDEXED[:4], 'car', 'car', 'pedestrian', *INDEXED[6:]),
        lambda: None,
        "class 'car' is listed twice",
    ),
    'folder named as a file': (
        (*KITTI[:2], 'new/all.json', *KITTI[3:]),
        lambda: None,
        'new/all.json: is the name of a file; a folder goes there',
    ),
    'file named as a folder': (
        (*INDEXED[:2], 'new/all', *INDEXED[3:]),
        lambda: None,
        'new/all: is the name of no json',
    ),
    'challenge sequence twice': (
        (*CHALLENGE[:4], 'MOTS20-02', 'MOTS20-02'),
        lambda: None,
        'MOTS20-02: this sequence is named twice',
    ),
    'seqinfo a folder': (
        CHALLENGE,
        lambda: (remove(f'{ONE}/seqinfo.ini'), Path(ONE, 'seqinfo.ini').mkdir()),
        'seqinfo.ini: is missing',
    ),
    'split file a video': (
        (*INDEXED, '--split-file', 'video.mp4'),
        lambda: None,
        'video.mp4: is no text file',
    ),
    'labels of another shape': (
        INDEXED,
        lambda: write('indexed/labels.json', '{"street": ["car", "car"]}'),
        "--labels: 'street' has no object of instance numbers",
    ),
    'labels overwritten': (
        (*INDEXED[:2], 'indexed/labels.json', *INDEXED[3:], '--force'),
        lambda: None,
        'indexed/labels.json: is read by this command',
    ),
    'vis json overwritten': (
        (*VIS[:2], 'vis.json', '--force'),
        lambda: None,
        'vis.json: is read by this command',
    ),
    'vis json null': (VIS, lambda: write('vis.json', 'null'), 'no object but null'),
    'vis json without an end': (
        VIS,
        lambda: write('vis.json', '[' * 100000),
        'vis.json: is no json',
    ),
    'vis videos are numbers': (
        VIS,
        lambda: change_json('vis.json', lambda c: c.update(videos=[1])),
        'vis.json: videos[0] is no object',
    ),
    'vis tracks are an object': (
        VIS,
        lambda: change_json('vis.json', lambda c: c.update(annotations={})),
        'vis.json: annotations is no list',
    ),
    'vis class is a list': (
        VIS,
        lambda: track(category_id=[1]),
        'annotations[0]: category_id is no number',
    ),
    'vis class twice': (
        VIS,
        lambda: change_json(
            'vis.json', lambda c: c['categories'].append(dict(id=1, name='dog'))
        ),
        'categories have the id 1 more than once',
    ),
    'vis one name for all frames': (
        VIS,
        lambda: change_json(
            'vis.json', lambda c: c['videos'][0].update(file_names='abc')
        ),
        'video 1 names no file',
    ),
    'vis polygon far away': (
        VIS,
        lambda: track(segmentations=[[[1, 1, 5e9, 0, 5e9, 5]], None, None]),
        'track 1, frame 0: polygon leaves the frame',
    ),
    'coco of numbers': (COCO, coco_list_of_numbers, '0.json: annotations[0] is no'),
    'coco json overwritten': (
        (*COCO[:2], 'coco/annotations/street/0.json', '--force'),
        coco_frames,
        '0.json: is read by this command',
    ),
    'half of Mapillary Vistas': (
        VISTAS,
        half_of_vistas,
        'vistas/validation/images: no',
    ),
}


def mots_line_code() -> str:
    return Path(LINES).read_text().splitlines()[0].split()[-1]


@pytest.mark.parametrize('name', CASES)
def test_refused(refusal: Callable, name: str) -> None:
    (tool, *args), harm, message = CASES[name]
    harm()
    ended = refusal(f'dataset_converters/{tool}', *args)
    assert ended.code == 2
    assert ended.error.startswith('error: ') and message in ended.error
    assert not ended.changed and not ended.new


@pytest.mark.parametrize('command', [KITTI, TXT, CHALLENGE, INDEXED, VIS])
def test_what_is_not_spoilt_passes(refusal: Callable, command: tuple) -> None:
    """The cases above fail for their own reason alone."""
    tool, *args = command
    ended = refusal(f'dataset_converters/{tool}', *args)
    assert ended.code == 0, ended.error
    assert any(name.endswith('.json') for name in ended.new)


@pytest.mark.parametrize(
    ('command', 'path'),
    [
        (TXT, LINES),
        (CHALLENGE, f'{ONE}/seqinfo.ini'),
        (INDEXED, 'indexed/labels.json'),
        (VIS, 'vis.json'),
    ],
)
def test_a_byte_order_mark_is_passed_over(
    refusal: Callable, command: tuple, path: str
) -> None:
    plain = converted(refusal, command)
    with_mark(path)
    assert converted(refusal, command) == plain


def test_hidden_folders_are_no_sequences(refusal: Callable) -> None:
    plain = converted(refusal, INDEXED)
    Path('indexed/JPEGImages/.ipynb_checkpoints').mkdir()
    assert converted(refusal, INDEXED) == plain


def converted(refusal: Callable, command: tuple) -> dict[str, bytes]:
    """What a converter writes, which is removed."""
    tool, *args = command
    ended = refusal(f'dataset_converters/{tool}', *args)
    assert ended.code == 0, ended.error
    files = [path for path in map(Path, ended.new) if path.is_file()]
    assert files
    found = {str(path): path.read_bytes() for path in files}
    for path in files:
        path.unlink()
    return found


def test_full_disk_and_interrupt(
    refusal: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was there stays, whatever ends the writing of a new one."""
    (tool, *args) = VIS[:2] + ('old.json', '--force')
    write('old.json', 'mine')
    for error, code, message in [
        (OSError(errno.ENOSPC, 'No space left on device'), 2, 'No space left'),
        (KeyboardInterrupt(), 130, 'stopped'),
    ]:

        def fail(*args: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(os, 'replace', fail)
        ended = refusal(f'dataset_converters/{tool}', *args)
        assert ended.code == code and message in ended.error
        assert not ended.changed and not ended.new
