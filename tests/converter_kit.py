"""The toy video in the layout of each converter, and its command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import encode_mask, mask_fields
from mmvist.testing import TOY_SIZE, toy_masks, write_toy_mots

# the first pixel of a frame of 64 x 96
PIXEL = mask_utils.frPyObjects(dict(size=[64, 96], counts=[0, 1, 6143]), 64, 96)[
    'counts'
].decode()
MOTS_SEQUENCES = ['MOTS20-02', 'MOTS20-05', 'MOTS20-09']


def kitti_mots(folder: Path) -> list[object]:
    """Arguments that convert the toy video in its own layout."""
    write_toy_mots(folder / 'toy')
    return [folder / 'toy', folder / 'out']


def mots_challenge(folder: Path) -> list[object]:
    """The toy video as three sequences, its cars left out."""
    write_toy_mots(folder / 'toy')
    for name in MOTS_SEQUENCES:
        sequence = folder / 'train' / name
        shutil.copytree(folder / 'toy/training/image_02/0000', sequence / 'img1')
        (sequence / 'gt').mkdir()
        (sequence / 'gt/gt.txt').write_text(f'2 2001 2 64 96 {PIXEL}\n')
        (sequence / 'seqinfo.ini').write_text(
            '[Sequence]\nseqLength=6\nimWidth=96\nimHeight=64\n'
        )
    return [folder / 'train', folder / 'out', '--sequences', *MOTS_SEQUENCES]


def png_folders(folder: Path) -> list[object]:
    """Instances 1 and 2 are cars, 3 is a pedestrian."""
    write_toy_mots(folder / 'toy')
    masks = folder / 'set/Annotations/0000'
    masks.mkdir(parents=True)
    frames = folder / 'toy/training/image_02/0000'
    shutil.copytree(frames, folder / 'set/JPEGImages/0000')
    for t, values in enumerate(toy_masks().astype(int)):
        numbers = values % 1000 + 2 * (values // 2000)  # 1001, 1002, 2001: 1, 2, 3
        Image.fromarray(numbers.astype(np.uint8)).save(masks / f'{t:06}.png')
    return [folder / 'set', folder / 'out/all.json', '--classes', 'object']


def coco_frames(folder: Path) -> list[object]:
    """A json for each frame; the identity is in the attributes."""
    write_toy_mots(folder / 'toy')
    (folder / 'set/annotations/0000').mkdir(parents=True)
    frames = folder / 'toy/training/image_02/0000'
    shutil.copytree(frames, folder / 'set/images/0000')
    height, width = TOY_SIZE
    for t, values in enumerate(toy_masks()):
        annotations = [
            dict(
                id=i,
                image_id=1,
                category_id=int(value) // 1000,
                attributes=dict(track_id=int(value)),
                iscrowd=0,
                **mask_fields(encode_mask(values == value)),
            )
            for i, value in enumerate(np.unique(values[values > 0]), 1)
        ]
        content = dict(
            images=[dict(id=1, file_name=f'{t:06}.png', height=height, width=width)],
            annotations=annotations,
            categories=[dict(id=1, name='car'), dict(id=2, name='pedestrian')],
        )
        path = folder / f'set/annotations/0000/{t:06}.json'
        path.write_text(json.dumps(content))
    return [folder / 'set', folder / 'out/all.json']


def mapillary(folder: Path) -> list[object]:
    """The frames as pictures of their own, in v1.2."""
    names = ['construction--flat--road', 'human--person', 'object--vehicle--car']
    write_toy_mots(folder / 'toy')
    root = folder / 'vistas'
    for split in ('training', 'validation'):
        (root / split / 'instances').mkdir(parents=True)
        shutil.copytree(folder / 'toy/training/image_02/0000', root / split / 'images')
        for t, values in enumerate(toy_masks()):
            label = np.where(values // 1000 == 1, 2, values // 2000)
            pixels = (label * 256 + values % 1000).astype(np.uint16)
            Image.fromarray(pixels).save(root / split / f'instances/{t:06}.png')
    labels = [dict(name=name, instances='road' not in name) for name in names]
    (root / 'config.json').write_text(json.dumps(dict(labels=labels)))
    return [root, folder / 'out']


def youtubevis(folder: Path, videos: int = 5) -> list[object]:
    """One cow of three pixels in the second frame of each video."""
    runs = dict(size=[4, 5], counts=[5, 3, 12])
    numbers = range(1, videos + 1)
    content = dict(
        videos=[
            dict(id=i, height=4, width=5, file_names=[f'v{i}/0.jpg', f'v{i}/5.jpg'])
            for i in numbers
        ],
        categories=[dict(id=10, name='cow')],
        annotations=[
            dict(id=i, video_id=i, category_id=10, segmentations=[None, runs])
            for i in numbers
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'in.json').write_text(json.dumps(content))
    return [folder / 'in.json', folder / 'out/train.json']


def youtubevis_cut(folder: Path) -> list[object]:
    """The same, with two of the five videos held out."""
    return [*youtubevis(folder), '--held-out-count', 2]


CONVERTERS = {
    'kitti_mots2coco': (kitti_mots, ['train.json', 'val.json']),
    'mots_challenge2coco': (
        mots_challenge,
        ['all.json']
        + [f'{n}_{part}.json' for n in MOTS_SEQUENCES for part in ('train', 'val')],
    ),
    'png_folders2coco': (png_folders, ['all.json']),
    'coco_frames2coco': (coco_frames, ['all.json']),
    'mapillary2coco': (mapillary, ['training.json', 'validation.json']),
    'youtubevis2coco': (youtubevis, ['train.json']),
    'youtubevis2coco, cut': (
        youtubevis_cut,
        ['train_train.json', 'train_val.json', 'train_val.txt'],
    ),
}
"""Name of a tool to what writes its input, and the files it makes in ``out``."""
