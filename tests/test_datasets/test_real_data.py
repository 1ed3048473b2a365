"""Real clips through converters, dataset and pipeline; needs data of one's own.

``MMVIST_DATA`` names a folder with some of ``composite-mots`` and ``davis-mots``
(KITTI MOTS layout, jpg frames) and ``composite-vis`` (YouTube-VIS 2019 layout).
"""

import json
import os
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

from mmvist.datasets import MOTSDataset, VideoFrameSampler
from mmvist.datasets.converters import (
    convert_kitti_mots,
    convert_youtubevis,
    write_json,
)
from mmvist.datasets.synthetic.raster import box_of
from mmvist.testing import toy_pipeline


def folder(name: str) -> Path:
    root = os.environ.get('MMVIST_DATA')
    if not root:
        pytest.skip('REAL DATA NOT TESTED: MMVIST_DATA names no folder')
    path = Path(root) / name
    if not path.is_dir():
        pytest.skip(f'REAL DATA NOT TESTED: no {name} in MMVIST_DATA')
    return path


def load_some(
    ann_file: Path, images: Path, classes: tuple[str, ...], scale: tuple[int, int]
) -> MOTSDataset:
    """Load a dataset and some of its frames, flipped, at their own ``scale``."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = MOTSDataset(
            ann_file=str(ann_file),
            data_prefix=dict(img_path=str(images)),
            metainfo=dict(classes=classes),
            pipeline=toy_pipeline(scale=scale, flip_prob=0.5),
        )
    frames = list(VideoFrameSampler(dataset, seed=0))
    for index in frames[:: max(len(frames) // 12, 1)]:
        packed = dataset[index]
        for frame in packed['data_samples'].video_data_samples:
            truth = frame.gt_instances
            assert frame.img_shape == scale[::-1]
            assert len(truth.masks) == len(truth.bboxes) == len(frame.instance_ages)
            ages = [frame.instance_ages[i] for i in truth.instances_ids.tolist()]
            boxes = truth.bboxes.tolist()
            for age, box, mask in zip(ages, boxes, truth.masks.masks, strict=True):
                # the box of a lost instance has moved on, its mask has not
                assert age > 0 or tuple(box) == box_of(mask)
    return dataset


@pytest.mark.parametrize(
    ('name', 'first', 'count', 'instances', 'scale'),
    [
        ('composite-mots', 60, 288, 1025, (427, 240)),
        ('davis-mots', 0, 439, 439, (854, 480)),
    ],
)
def test_mots(
    tmp_path: Path,
    name: str,
    first: int,
    count: int,
    instances: int,
    scale: tuple[int, int],
) -> None:
    root = folder(name)
    sequences = sorted(p.name for p in (root / 'instances').iterdir())[first:]
    content = convert_kitti_mots(root, sequences)
    assert len(content['images']) == count
    assert len(content['annotations']) == instances
    path = write_json(content, tmp_path / 'val.json')
    load_some(path, root / 'training/image_02', ('car', 'pedestrian'), scale)


def test_youtubevis(tmp_path: Path) -> None:
    root = folder('composite-vis')
    source = json.loads((root / 'annotations/val.json').read_text())
    content = convert_youtubevis(source, 'val.json')
    assert len(content['videos']) == 8 and len(content['images']) == 160
    areas = sum(a or 0 for track in source['annotations'] for a in track['areas'])
    assert sum(a['area'] for a in content['annotations']) == areas
    assert len({a['instance_id'] for a in content['annotations']}) == 36
    classes = tuple(c['name'] for c in source['categories'])
    assert len(classes) == 9
    path = write_json(content, tmp_path / 'val.json')
    # in another order than that of the file
    dataset = load_some(path, root / 'JPEGImages', classes[::-1], (427, 240))
    assert dataset.metainfo['classes'] == classes[::-1]
