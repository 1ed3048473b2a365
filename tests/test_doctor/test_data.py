"""Folders in each layout and files, with everything wrong at once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets import DataError
from mmvist.doctor.data import examine_data
from mmvist.doctor.finding import ERROR, NOTE, OK, Finding, count_findings
from mmvist.testing import toy_frames, toy_masks, write_toy_mots


def lines(findings: list[Finding], level: str) -> list[str]:
    return [finding.text for finding in findings if finding.level == level]


def expect(findings: list[Finding], level: str, *parts: str) -> None:
    """Exactly these findings of a level, in any order."""
    found = lines(findings, level)
    for part in parts:
        [*matching] = [text for text in found if part in text]
        assert len(matching) == 1, f'{part}: {found}'
        found.remove(matching[0])
    assert not found


def test_a_good_folder(tmp_path: Path) -> None:
    write_toy_mots(tmp_path)
    findings = examine_data(tmp_path)
    assert [finding.level for finding in findings] == [OK]
    assert findings[0].text.endswith(
        ', KITTI MOTS: 1 videos, 6 frames, 13 masks of 3 instances'
    )


def test_kitti_mots_with_everything_wrong(tmp_path: Path) -> None:
    write_toy_mots(tmp_path)
    frames, masks = tmp_path / 'training/image_02/0000', tmp_path / 'instances/0000'
    (masks / '000001.png').unlink()
    (frames / '000002.png').write_bytes((frames / '000002.png').read_bytes()[:300])
    Image.fromarray(np.zeros((9, 8), np.uint16)).save(masks / '000003.png')
    foreign = toy_masks()[4]
    foreign[:2, :2], foreign[:2, 4:6] = 5001, 7003
    Image.fromarray(foreign).save(masks / '000004.png')
    (frames / '000005.png').unlink()
    Image.fromarray(toy_frames()[0]).save(frames / '000007.png')
    (frames / 'cover.png').touch()
    (tmp_path / 'training/image_02/0001').mkdir()
    (tmp_path / 'instances/0009').mkdir()
    findings = examine_data(tmp_path)
    expect(
        findings,
        ERROR,
        'image_02/0000/000001.png: has no mask 0000/000001.png',
        '000002.png: cannot be read as an image',
        'instances/0000/000003.png: is 8 x 9, but its frame is 96 x 64; make',
        '000004.png: value 5001 is of class 5, which is none of',
        '000004.png: value 7003 is of class 7',
        'instances/0000/000005.png: has no frame 000005',
        '000007.png: has no mask',
        'image_02/0000: frames 000005 to 000006 are missing; add it, or accept',
        'cover.png: its name is no frame number; rename it',
        'image_02/0001: is empty; remove the sequence or add its files',
        'has neither a folder 0001 of masks',
        'instances/0009: has no frames in',
    )
    assert lines(findings, NOTE) == []
    # frames that can be used: all but 2
    assert '1 videos, 5 frames' in findings[-1].text
    assert count_findings(findings) == '12 errors, 0 notes'


def test_frames_of_two_sizes(tmp_path: Path) -> None:
    write_toy_mots(tmp_path)
    frames = tmp_path / 'training/image_02/0000'
    Image.fromarray(toy_frames()[0][:32]).save(frames / '000003.png')
    expect(examine_data(tmp_path), ERROR, '000003.png: is 96 x 32, but 000000.png of')


def txt_line(frame: int, value: int, category: int, mask: np.ndarray) -> str:
    rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return f'{frame} {value} {category} 64 96 {rle["counts"].decode()}\n'


def test_mots_challenge_with_everything_wrong(tmp_path: Path) -> None:
    folder = tmp_path / 'MOTS20-02'
    for name in ('img1', 'gt'):
        (folder / name).mkdir(parents=True)
    for t, frame in enumerate(toy_frames()):
        Image.fromarray(frame).save(folder / 'img1' / f'{t + 1:06}.png')
    info = '[Sequence]\nseqLength=9\nimWidth=96\nimHeight=64\n'
    (folder / 'seqinfo.ini').write_text(info)
    person = np.zeros((64, 96), bool)
    person[10:20, 30:40] = True
    other = np.roll(person, 5, axis=1)
    (folder / 'gt/gt.txt').write_text(
        txt_line(1, 2001, 2, person)
        + txt_line(2, 2001, 2, person)
        + txt_line(2, 2001, 2, np.roll(person, 40))
        + txt_line(3, 2001, 2, person)
        + txt_line(3, 2002, 2, other)
        + txt_line(4, 1001, 2, person)
        + txt_line(5, 1001, 1, person)
        + '6 2001 2 64 96 abc\n'
        + txt_line(8, 2001, 2, person)
    )
    expect(
        examine_data(tmp_path),
        ERROR,
        'seqinfo.ini: seqLength is 9',
        'gt.txt:3: id 2001 is in frame 2 already, at line 2; remove one',
        'gt.txt:5: mask overlaps that of line 4, id 2001, by 50 pixels; give',
        'gt.txt:6: id 1001 is outside its class 2',
        'gt.txt:7: class 1 is none of',
        'gt.txt:8: run-length code ',
        'gt.txt:9: has no frame 000008 in',
    )


@pytest.mark.parametrize('sub', ['', '480p'])
def test_indexed_masks(tmp_path: Path, sub: str) -> None:
    frames, masks = (
        tmp_path / kind / sub / 'bear' for kind in ('JPEGImages', 'Annotations')
    )
    frames.mkdir(parents=True), masks.mkdir(parents=True)
    for t, mask in enumerate(toy_masks()):
        Image.fromarray(toy_frames()[t]).save(frames / f'{t:05}.jpg')
        Image.fromarray((mask % 10).astype(np.uint8)).save(masks / f'{t:05}.png')
    assert [one.level for one in examine_data(tmp_path)] == [OK]
    labels = {'bear': {'1': 'bear', '2': 'dog'}}
    assert [one.level for one in examine_data(tmp_path, labels=labels)] == [OK]
    missing = examine_data(tmp_path, labels={'bear': {'1': 'bear'}})
    assert {text.partition(': ')[2] for text in lines(missing, ERROR)} == {
        'instance 2 of sequence bear has no class in --labels; name it there'
    }
    Image.fromarray(toy_frames()[0]).save(masks / '00004.png')
    findings = examine_data(tmp_path)
    expect(findings, ERROR, '00004.png: has 3 channels; an indexed mask has one')
    assert ', indexed masks: 1 videos, 6 frames' in findings[-1].text


def test_a_file_and_its_frames(tmp_path: Path) -> None:
    ann_file, images = write_toy_mots(tmp_path), tmp_path / 'training/image_02'
    expect(examine_data(ann_file), NOTE, 'were not looked at; add --images FOLDER')
    assert [one.level for one in examine_data(ann_file, images)] == [OK]
    (images / '0000/000001.png').unlink()
    (images / '0000/000002.png').write_bytes(b'no picture')
    Image.fromarray(toy_frames()[0][:32]).save(images / '0000/000003.png')
    expect(
        examine_data(ann_file, images),
        ERROR,
        '000001.png: is missing; fetch it or remove its entry',
        '000002.png: cannot be read as an image',
        '000003.png: is 96 x 32, but its entry says 96 x 64; convert',
    )
    expect(
        examine_data(ann_file, tmp_path / 'instances/0000'),
        ERROR,
        'none of the 6 frames is there, such as 0000/000000.png; name',
    )


@pytest.mark.parametrize(
    'text, said',
    [
        ('{"videos": [', 'is no json'),
        ('[]', 'holds no object but a list'),
        ('{}', 'has no videos; it is no CocoVID-style file: make one'),
        (
            '{"images": [], "annotations": [], "categories": []}',
            'has no videos: a COCO file of single pictures, as MMDetection takes it',
        ),
        ('{"videos": [{"file_names": []}]}', 'youtubevis2coco.py IN OUT` first'),
    ],
)
def test_another_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / 'a.json'
    path.write_text(text)
    [finding] = examine_data(path)
    assert finding.level == ERROR and said in finding.text
    assert finding.text.startswith(str(path)) and '\n' not in finding.text


def test_a_folder_of_no_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='in no layout that is known: KITTI MOTS'):
        examine_data(tmp_path)
    with pytest.raises(DataError, match=r'none\.json: no such file or folder'):
        examine_data(tmp_path / 'none.json')


def test_classes_of_the_command_line(tmp_path: Path) -> None:
    write_toy_mots(tmp_path)
    findings = examine_data(tmp_path, classes={1: 'car', 2: 'person', 3: 'bus'})
    expect(findings, NOTE, 'class bus has no instance')
