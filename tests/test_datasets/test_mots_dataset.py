"""Class lists, neighbours, broken files and seeded samples."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets.transforms import BaseFrameSample
from mmengine.registry import TRANSFORMS

from mmvist.datasets import DataError, FrameIndex, MOTSDataset
from mmvist.testing import (
    toy_batch,
    toy_boxes,
    toy_dataset,
    toy_pipeline,
    write_toy_mots,
)


def edited(root: Path, tmp_path: Path, edit: Any) -> Path:
    """A copy of the toy annotation file, changed in place by ``edit``."""
    content = json.loads((root / 'annotations/train.json').read_text())
    edit(content)
    path = tmp_path / 'edited.json'
    path.write_text(json.dumps(content))
    return path


def labels(dataset: MOTSDataset) -> dict[int, int]:
    images = dataset.get_data_info(0)['images']
    return {i['instance_id']: i['bbox_label'] for f in images for i in f['instances']}


def test_instances_and_boxes_of_the_toy_video(toy_root: Path) -> None:
    dataset = toy_dataset(toy_root, pipeline=[])
    assert len(dataset) == 1 and dataset.get_len_per_video(0) == 6
    assert dataset.metainfo['classes'] == ('car', 'pedestrian')
    assert labels(dataset) == {1: 0, 2: 1, 3: 0}
    image = dataset.get_data_info(0)['images'][1]
    boxes = {i['instance_id']: tuple(i['bbox']) for i in image['instances']}
    assert boxes == toy_boxes(1)


@pytest.mark.parametrize(
    ('classes', 'expected'),
    [
        (('car', 'pedestrian'), {1: 0, 2: 1, 3: 0}),
        (('pedestrian', 'car'), {1: 1, 2: 0, 3: 1}),
        (('pedestrian',), {2: 0}),
    ],
)
def test_labels_follow_the_order_of_the_config(
    toy_root: Path, classes: tuple[str, ...], expected: dict[int, int]
) -> None:
    dataset = toy_dataset(toy_root, pipeline=[], metainfo=dict(classes=classes))
    assert labels(dataset) == expected


def test_unknown_class_is_named(toy_root: Path) -> None:
    with pytest.raises(DataError, match=r"no class 'dog', only \['car', 'pedestrian'"):
        toy_dataset(toy_root, metainfo=dict(classes=('car', 'dog')))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='no such annotation file.*dataset_converters'):
        MOTSDataset(ann_file=str(tmp_path / 'none.json'))


def test_frames_without_objects_are_kept(toy_root: Path, tmp_path: Path) -> None:
    def empty_frame_two(content: dict) -> None:
        content['annotations'] = [
            a for a in content['annotations'] if a['image_id'] != 3
        ]

    path = edited(toy_root, tmp_path, empty_frame_two)
    assert MOTSDataset(ann_file=str(path)).get_len_per_video(0) == 6
    drop = dict(filter_empty_gt=True)
    assert MOTSDataset(ann_file=str(path), filter_cfg=drop).get_len_per_video(0) == 5


def test_frames_are_sorted(toy_root: Path, tmp_path: Path) -> None:
    path = edited(toy_root, tmp_path, lambda content: content['images'].reverse())
    images = MOTSDataset(ann_file=str(path)).get_data_info(0)['images']
    assert [image['frame_id'] for image in images] == list(range(6))


def test_ignore_regions_are_no_instances(toy_root: Path, tmp_path: Path) -> None:
    def add_region(content: dict) -> None:
        region = dict(content['annotations'][0], id=999, category_id=10)
        content['annotations'].append(
            dict(region, instance_id=10000, ignore=True, iscrowd=1)
        )

    dataset = MOTSDataset(ann_file=str(edited(toy_root, tmp_path, add_region)))
    assert set(labels(dataset)) == {1, 2, 3}


def test_testing_gives_single_frames(toy_root: Path) -> None:
    pipeline = toy_pipeline()[1:]
    dataset = toy_dataset(toy_root, pipeline=pipeline, test_mode=True)
    packed = dataset[0, 4]
    (frame,) = packed['data_samples'].video_data_samples
    assert packed['inputs'].shape == (1, 3, 64, 96)
    assert (frame.frame_id, frame.ori_video_length, frame.video_id) == (4, 6, 1)


@TRANSFORMS.register_module()
class DrawNumbers(BaseFrameSample):
    """Random numbers for a sample; refuses it while ``refuse`` is not empty."""

    refuse: list[bool] = []

    def transform(self, results: dict) -> dict | None:
        draw = np.random.rand(), float(torch.rand(()))
        if self.refuse:
            self.refuse.pop()
            return None
        return dict(draw=draw, video=results['sample_idx'])


def test_seed_of_the_index_rules_the_sample(toy_root: Path) -> None:
    dataset = toy_dataset(toy_root, pipeline=[dict(type='mmengine.DrawNumbers')])
    first = dataset[FrameIndex(0, 2, seed=5)]
    assert dataset[0, 2] != first
    assert dataset[FrameIndex(0, 2, seed=5)] == first
    assert dataset[FrameIndex(0, 2, seed=6)] != first
    np.random.seed(1)
    before = np.random.rand()
    np.random.seed(1)
    dataset[FrameIndex(0, 2, seed=5)]
    assert np.random.rand() == before


def test_seed_rules_the_stand_in_of_a_refused_sample(toy_root: Path) -> None:
    dataset = toy_dataset(toy_root, pipeline=[dict(type='mmengine.DrawNumbers')])
    found = []
    for _ in range(2):
        DrawNumbers.refuse.extend([True, True])
        found.append(dataset[FrameIndex(0, 2, seed=5)])
        np.random.rand()
    assert found[0] == found[1] != dataset[FrameIndex(0, 2, seed=5)]


def test_toy_batch_is_what_a_loader_gives(tmp_path: Path) -> None:
    batch = toy_batch(tmp_path, frames=(1, 4, 5))
    assert [i.shape for i in batch['inputs']] == [(3, 3, 64, 96)] * 3
    assert [
        [f.frame_id for f in s.video_data_samples] for s in batch['data_samples']
    ] == [[0, 1, 2], [3, 4, 5], [4, 5, 5]]


@pytest.mark.parametrize(
    ('mask', 'words'),
    [
        (dict(counts='0' * 200), 'pixels, the frame of'),
        (dict(size=[640, 960]), 'mask is'),
        (dict(size=[96, 64]), 'mask is'),
        (dict(counts='~'), 'cannot be read'),
    ],
)
def test_a_mask_that_is_not_of_its_frame_is_named(
    toy_root: Path, tmp_path: Path, mask: dict, words: str
) -> None:
    def edit(content: dict) -> None:
        content['annotations'][0]['segmentation'].update(mask)

    path = edited(toy_root, tmp_path, edit)
    with pytest.raises(DataError, match=f'0000/000000.png.*{words}'):
        toy_dataset(toy_root, ann_file=str(path))


@pytest.mark.parametrize('size', [(-5, 8), (10**7, 10**7), (8.5, 8), (True, 8)])
def test_a_size_that_no_frame_has_is_named(
    toy_root: Path, tmp_path: Path, size: tuple
) -> None:
    def edit(content: dict) -> None:
        content['images'][2].update(height=size[0], width=size[1])

    with pytest.raises(DataError, match='000002.png: '):
        toy_dataset(toy_root, ann_file=str(edited(toy_root, tmp_path, edit)))


@pytest.mark.parametrize('height', [1, 63, 128])
def test_one_frame_of_another_size_is_named(tmp_path: Path, height: int) -> None:
    """It ends in the middle of the pipeline, where frames are laid together."""
    write_toy_mots(tmp_path)
    path = tmp_path / 'training/image_02/0000/000003.png'
    cv2.imwrite(str(path), np.zeros((height, 96, 3), np.uint8))
    with pytest.raises(DataError, match=rf'000003.png: is 96 x {height}, but its'):
        toy_dataset(tmp_path)[FrameIndex(0, 3, seed=0)]
