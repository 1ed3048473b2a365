"""A short video on disk, and a model that sees something in it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from video_kit import HEIGHT, LENGTH, OURS, WIDTH, make_frames, open_minded

from mmvist.apis import VISTInferencer


@pytest.fixture
def frames() -> list[np.ndarray]:
    return make_frames()


@pytest.fixture(scope='session')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames as a data set: ``frames/0000/*.png`` and ``val.json``."""
    root = tmp_path_factory.mktemp('data')
    (root / 'frames' / '0000').mkdir(parents=True)
    images, annotations = [], []
    for t, frame in enumerate(make_frames()):
        name = f'0000/{t:06}.png'
        cv2.imwrite(str(root / 'frames' / name), frame)
        size = dict(width=WIDTH, height=HEIGHT)
        images.append(dict(id=t + 1, video_id=1, frame_id=t, file_name=name) | size)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8, order='F')
        mask[10:40, 5 + 4 * t : 35 + 4 * t] = 1
        rle = coco_mask.encode(mask)
        rle['counts'] = rle['counts'].decode()
        annotations.append(
            dict(id=t + 1, image_id=t + 1, video_id=1, category_id=1, instance_id=1)
            | dict(bbox=[5 + 4 * t, 10, 30, 30], area=900, iscrowd=0, segmentation=rle)
        )
    video = dict(id=1, name='0000', length=LENGTH, width=WIDTH, height=HEIGHT)
    content = dict(
        info={},
        videos=[video],
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='car'), dict(id=2, name='pedestrian')],
    )
    (root / 'val.json').write_text(json.dumps(content))
    return root


@pytest.fixture(scope='session')
def ours() -> VISTInferencer:
    torch.manual_seed(0)  # it is made before the seed of a test is set
    return VISTInferencer(open_minded(OURS), device='cpu')
