"""Figure 3 of the paper on predictions known by heart."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from mmvist.apis.method_figure import (
    Method,
    method_figure,
    most_different_video,
    read_method,
)
from mmvist.datasets import DataError
from mmvist.engine.errors import UserError
from mmvist.evaluation.frame_errors import PredictedFrame
from mmvist.evaluation.truth import Truth, load_truth
from mmvist.testing import write_toy_mots
from mmvist.visualization import identity_color
from mmvist.visualization.marks import RED

WIDTH, HEIGHT = 768, 512
"""Of a frame of 96 x 64, enlarged."""


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    write_toy_mots(folder)
    return folder


@pytest.fixture
def truth(root: Path) -> Truth:
    return load_truth(str(root / 'annotations/val.json'))


def prediction(truth: Truth, name: str = 'perfect') -> Method:
    """The truth itself with 40 added to its identities."""
    frames = {
        frame.img_id: PredictedFrame(
            [40 + one for one in frame.instance_ids],
            list(frame.rles),
            [one - 1 for one in frame.category_ids],
        )
        for frame in truth.videos[0].frames
    }
    return Method(name, frames)


def faulty(truth: Truth) -> Method:
    """The car becomes 50 in frame 4; the pedestrian is missed in frame 5."""
    method = prediction(truth, 'faulty')
    for t in (4, 5):
        method.frames[t + 1].ids[0] = 50
    last = method.frames[6]
    row = truth.videos[0].frames[5].instance_ids.index(2)
    for values in (last.ids, last.rles, last.labels):
        values.pop(row)
    return method


def cells(figure: np.ndarray, rows: int, columns: int) -> list[list[np.ndarray]]:
    """The frames of each row; bars are above rows, a heading and a legend around."""
    bar = (len(figure) - rows * HEIGHT) // (rows + 2)
    assert figure.shape == (
        rows * HEIGHT + (rows + 2) * bar,
        columns * (WIDTH + 6) - 6,
        3,
    )
    return [
        [
            figure[y : y + HEIGHT, x : x + WIDTH]
            for x in range(0, columns * (WIDTH + 6), WIDTH + 6)
        ]
        for y in (2 * bar + row * (HEIGHT + bar) for row in range(rows))
    ]


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture == color).all(axis=2).sum())


def test_rows_of_methods_and_of_the_truth(root: Path, truth: Truth) -> None:
    methods = [faulty(truth), prediction(truth)]
    images = root / 'training/image_02'
    figure = method_figure(methods, truth.videos[0], truth, images, [0, 4, 5])
    bad, good, real = cells(figure, 3, 3)
    # the perfect method looks like the truth: same colours, same numbers
    for one, other in zip(good, real, strict=True):
        assert (one == other).all()
    assert (bad[0] == real[0]).all()
    # frame 4: the car has another colour and a red plate under it
    assert count(real[1], identity_color(1)) > 300
    assert count(bad[1], identity_color(1)) == 0
    assert count(bad[1], RED) > 300
    # frame 5: an arrow from above, onto the pedestrian at (70, 30, 80, 56)
    assert count(bad[2], identity_color(2)) == 0
    rows, columns = (bad[2] == RED).all(axis=2).nonzero()
    assert abs(columns.mean() - 8 * 75) < 12
    assert 8 * 30 - 80 < rows.min() and rows.max() <= 8 * 30 + 4
    assert [count(one, RED) for one in (*good, *real)] == [0] * 6


def test_a_switch_is_marked_once_and_keeps_its_new_number(
    root: Path, truth: Truth
) -> None:
    images = root / 'training/image_02'
    figure = method_figure([faulty(truth)], truth.videos[0], truth, images, [4, 5])
    [[at, after], _] = cells(figure, 2, 2)
    plates = [(cell == RED).all(axis=2)[:, : 8 * 60] for cell in (at, after)]
    assert plates[0].sum() > 300 and plates[1].sum() == 0
    # three instances: the new identity is number 4
    assert all(count(cell, identity_color(4)) > 300 for cell in (at, after))


def test_frames_are_those_in_which_methods_differ(root: Path, truth: Truth) -> None:
    methods = [prediction(truth), faulty(truth)]
    images, video = root / 'training/image_02', truth.videos[0]
    chosen = method_figure(methods, video, truth, images, count=2)
    named = method_figure(methods, video, truth, images, [4, 5])
    assert (chosen == named).all()
    with pytest.raises(UserError, match='video 0000 has no frame 9; it has 0 to 5'):
        method_figure(methods, video, truth, images, [9])


def test_the_video_in_which_methods_differ_most(truth: Truth) -> None:
    other = load_copy(truth)
    both = Truth([other, *truth.videos], truth.categories)
    methods = [prediction(truth), faulty(truth)]
    assert most_different_video(methods, both) is truth.videos[0]
    assert most_different_video([prediction(truth)], both) is other, 'all is missed'
    with pytest.raises(UserError, match='no instance'):
        most_different_video(methods, Truth([], truth.categories))


def load_copy(truth: Truth) -> object:
    """The video again, under image ids that no prediction has."""
    video = truth.videos[0]
    frames = [type(f)(**{**vars(f), 'img_id': f.img_id + 90}) for f in video.frames]
    return type(video)(9, 'other', frames)


def test_every_format_gives_the_same(tmp_path: Path, truth: Truth) -> None:
    lines, tracks, records = [], {}, []
    for t, frame in enumerate(truth.videos[0].frames):
        for instance, category, rle in zip(
            frame.instance_ids, frame.category_ids, frame.rles, strict=True
        ):
            lines.append(f'{t} {instance} {category} 64 96 {rle["counts"]}\n')
            track = tracks.setdefault(
                instance,
                dict(video_id=1, category_id=category, score=0.9)
                | dict(segmentations=[None] * 6),
            )
            track['segmentations'][t] = rle
        ids = np.array(frame.instance_ids)
        scores = np.full(len(ids), 0.9)
        records.append(
            dict(img_id=frame.img_id, instances_id=ids, scores=scores)
            | dict(masks=[dict(r, counts=r['counts'].encode()) for r in frame.rles])
        )
    weak = dict(tracks[1], score=0.2)
    (tmp_path / 'mots').mkdir()
    (tmp_path / 'mots/0000.txt').write_text(''.join(lines))
    (tmp_path / 'a.json').write_text(json.dumps([*tracks.values(), weak]))
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(records))
    found = [
        read_method(tmp_path / name, 'a', truth) for name in ('mots', 'a.json', 'a.pkl')
    ]
    for method in found:
        for frame in truth.videos[0].frames:
            found_here = method.frames[frame.img_id]
            pairs = zip(found_here.ids, found_here.rles, strict=True)
            real = zip(frame.instance_ids, frame.rles, strict=True)
            assert dict(pairs) == dict(real)
    assert found[0].frames[1].labels == found[1].frames[1].labels == [0, 1]
    assert found[2].frames[1].labels == [], 'a pickle does not name its classes'


def test_a_pickle_of_another_data_set(tmp_path: Path, truth: Truth) -> None:
    """Everything would look missed."""
    frame = truth.videos[0].frames[0]
    record = dict(
        img_id=frame.img_id,
        instances_id=np.array([1]),
        scores=np.array([0.9]),
        masks=[dict(size=[frame.height, 50], counts=b'')],
    )
    for change, message in (
        (dict(img_id=900), r'a\.pkl: image 900 is not in the annotation file'),
        ({}, r'a\.pkl: image 1 is 50 x 64, in the annotation file 96 x 64'),
    ):
        (tmp_path / 'a.pkl').write_bytes(pickle.dumps([record | change]))
        with pytest.raises(UserError, match=message):
            read_method(tmp_path / 'a.pkl', 'a', truth)


def test_files_that_are_no_predictions(tmp_path: Path, truth: Truth) -> None:
    with pytest.raises(UserError, match=r'a\.pkl: no such file'):
        read_method(tmp_path / 'a.pkl', 'a', truth)
    (tmp_path / 'a.pkl').write_bytes(b'no')
    with pytest.raises(UserError, match=r'a\.pkl cannot be read as a pickle'):
        read_method(tmp_path / 'a.pkl', 'a', truth)
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([dict(a=1)]))
    with pytest.raises(UserError, match=r'is no file of tools/test\.py --out'):
        read_method(tmp_path / 'a.pkl', 'a', truth)
    with pytest.raises(DataError, match='neither a folder of MOTS txt'):
        read_method(tmp_path / 'a.txt', 'a', truth)
