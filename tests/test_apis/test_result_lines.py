"""One line of json a frame."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmvist.apis import FrameResult, ResultLines
from mmvist.engine.errors import UserError


def result(frame_id: int, count: int, with_masks: bool = True) -> FrameResult:
    """Instance i is in rows i and i + 1 of a frame of 6 x 9."""
    masks = torch.zeros(count, 6, 9, dtype=torch.bool)
    for i in range(count):
        masks[i, i : i + 2, 2:5] = True
    instances = InstanceData(
        bboxes=torch.tensor([[2.0, i, 5.25, i + 2.0] for i in range(count)]).view(
            -1, 4
        ),
        labels=torch.arange(count) % 2,
        scores=torch.tensor([0.9, 0.25])[:count],
        instances_id=10 + torch.arange(count),
    )
    if with_masks:
        instances.masks = masks
    image = np.zeros((6, 9, 3), np.uint8)
    return FrameResult(frame_id, image, instances, ('car', 'cow'))


def test_what_a_line_says(tmp_path: Path) -> None:
    with ResultLines(tmp_path / 'a.jsonl') as lines:
        lines.write(result(0, 2))
        lines.write(result(1, 0))
    first, second = map(json.loads, (tmp_path / 'a.jsonl').read_text().splitlines())
    assert second == dict(frame_id=1, seconds=None, height=6, width=9, instances=[])
    assert (first['frame_id'], first['height'], first['width']) == (0, 6, 9)
    masks = [one.pop('segmentation') for one in first['instances']]
    assert first['instances'] == [
        dict(
            instance_id=10,
            label=0,
            category='car',
            score=0.9,
            bbox=[2.0, 0.0, 3.25, 2.0],
        ),
        dict(
            instance_id=11,
            label=1,
            category='cow',
            score=0.25,
            bbox=[2.0, 1.0, 3.25, 2.0],
        ),
    ]
    for mask, truth in zip(masks, result(0, 2).instances.masks):
        np.testing.assert_array_equal(coco_mask.decode(mask), truth.numpy())


def test_a_line_is_there_before_the_next_frame(tmp_path: Path) -> None:
    path = tmp_path / 'a.jsonl'
    with ResultLines(path) as lines:
        assert not path.exists()
        for count in (1, 2):
            lines.write(result(count, 1))
            assert len(path.read_text().splitlines()) == count == lines.frames


def test_a_model_without_masks(tmp_path: Path) -> None:
    with ResultLines(tmp_path / 'a.jsonl') as lines:
        lines.write(result(0, 1, with_masks=False))
    (instance,) = json.loads((tmp_path / 'a.jsonl').read_text())['instances']
    assert 'segmentation' not in instance and instance['bbox'] == [2.0, 0.0, 3.25, 2.0]


def test_no_place_for_the_file(tmp_path: Path) -> None:
    lines = ResultLines(tmp_path / 'none' / 'a.jsonl')
    with pytest.raises(UserError, match=r'a\.jsonl cannot be written: No such file'):
        lines.write(result(0, 1))
