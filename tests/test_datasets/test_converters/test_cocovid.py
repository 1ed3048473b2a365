"""Identities, the file on the disk, and its bytes."""

from pathlib import Path

import numpy as np
import pytest

from mmvist.datasets import DataError
from mmvist.datasets.converters.cocovid import (
    CocoVidBuilder,
    class_numbers,
    encode_mask,
    write_json,
)


def builder_with_frame() -> tuple[CocoVidBuilder, int]:
    builder = CocoVidBuilder({1: 'car'}, 'two by three')
    video = builder.add_video('v', (2, 3), 1)
    return builder, builder.add_frame(video, 0, 'v/0.png')


def test_empty_masks_are_left_out() -> None:
    builder, image = builder_with_frame()
    builder.add_instance(image, 1, 'a', encode_mask(np.zeros((2, 3), bool)))
    builder.add_instance(image, 1, 'b', encode_mask(np.ones((2, 3), bool)))
    (ann,) = builder.build()['annotations']
    assert (ann['id'], ann['instance_id'], ann['area']) == (1, 1, 6)
    assert ann['segmentation']['size'] == [2, 3]


def test_no_instance_gets_the_id_of_ignore_regions() -> None:
    builder, image = builder_with_frame()
    rle = encode_mask(np.ones((2, 3), bool))
    for i in range(10002):
        builder.add_instance(image, 1, i, rle)
    ids = [a['instance_id'] for a in builder.annotations]
    assert len(set(ids)) == 10002
    assert 10000 not in ids and min(ids) == 1


def test_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = write_json(dict(a=1), tmp_path / 'new/x.json')
    with pytest.raises(DataError, match='exists already; add --force'):
        write_json(dict(a=2), path)
    assert path.read_text() == '{"a":1}\n'
    write_json(dict(a=2), path, force=True)
    assert path.read_text() == '{"a":2}\n'


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_json(dict(a=1), tmp_path / 'x.json')
    with pytest.raises(TypeError):
        write_json(dict(a=object()), path, force=True)
    assert path.read_text() == '{"a":1}\n'
    assert [p.name for p in tmp_path.iterdir()] == ['x.json']


def test_a_region_not_judged_keeps_its_class() -> None:
    builder, image = builder_with_frame()
    rle = encode_mask(np.ones((2, 3), bool))
    builder.add_instance(image, 1, 'crowd', rle, ignore=True)
    builder.add_instance(image, 1, 'a', rle)
    facts = [
        (a['category_id'], a['instance_id'], a['iscrowd'], a.get('ignore'))
        for a in builder.build()['annotations']
    ]
    assert facts == [(1, 10000, 1, True), (1, 1, 0, None)]


def test_numbers_of_classes_go_round_that_of_regions() -> None:
    numbers = class_numbers(f'class{i}' for i in range(12))
    assert list(numbers.values()) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]
