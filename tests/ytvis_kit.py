"""A tiny YouTube-VIS 2019 on disk, and the config of an MMTracking user."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import ConfigDict
from pycocotools import mask as coco_mask
from tiny_vist import SHOWS_ALL, boxes_of, set_classes, tiny_config, toy_video

STOCK = (
    'mmtrack::vis/masktrack_rcnn/'
    'masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019.py'
)
"""The config of MaskTrack R-CNN that ships inside the mmtrack wheel."""

CLASSES = (
    *('person', 'giant_panda', 'lizard', 'parrot', 'skateboard', 'sedan', 'ape'),
    *('dog', 'snake', 'monkey', 'hand', 'rabbit', 'duck', 'cat', 'cow', 'fish'),
    *('train', 'horse', 'turtle', 'bear', 'motorbike', 'giraffe', 'leopard', 'fox'),
    *('deer', 'owl', 'surfboard', 'airplane', 'truck', 'zebra', 'tiger', 'elephant'),
    *('snowboard', 'boat', 'shark', 'mouse', 'frog', 'eagle', 'earless_seal'),
    'tennis_racket',
)
LENGTH = 5
"""Frames of a video."""
EMPTY = (2, 3)
"""Video and frame in which nothing is annotated."""


def write_youtube_vis(folder: Path, videos: int = 2) -> Path:
    """Write train and valid, the same videos, as the stock config looks for them.

    Args:
        folder: Where a user would start the tools.
        videos: How many.

    Returns:
        ``folder/data/youtube_vis_2019``.
    """
    root = folder / 'data' / 'youtube_vis_2019'
    truth = dict(
        categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES, 1)],
        videos=[],
        images=[],
        annotations=[],
    )
    for video_id in range(1, videos + 1):
        _add_video(truth, root, video_id)
    (root / 'annotations').mkdir(parents=True)
    for split in ('train', 'valid'):
        path = root / 'annotations' / f'youtube_vis_2019_{split}.json'
        path.write_text(json.dumps(truth))
    (root / 'valid').symlink_to(root / 'train', target_is_directory=True)
    return root


def _add_video(truth: dict[str, list], root: Path, video_id: int) -> None:
    clip = toy_video(LENGTH, seed=video_id, step=2 + video_id)
    height, width = clip.frames.shape[-2:]
    size = dict(height=height, width=width)
    truth['videos'].append(dict(id=video_id, name=f'v{video_id}', **size))
    folder = root / 'train' / 'JPEGImages' / f'v{video_id}'
    folder.mkdir(parents=True)
    for t, frame in enumerate(clip.frames):
        name = f'{t:05}.png'
        cv2.imwrite(str(folder / name), frame.numpy().transpose(1, 2, 0))
        image_id = 1 + len(truth['images'])
        truth['images'].append(
            dict(
                id=image_id,
                video_id=video_id,
                frame_id=t,
                file_name=f'v{video_id}/{name}',
                **size,
            )
        )
        boxes = boxes_of(clip.masks[t])
        for row, mask in enumerate(clip.masks[t].numpy()):
            x1, y1, x2, y2 = boxes[row].tolist()
            if not mask.any() or (video_id, t) == EMPTY:
                continue
            rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
            truth['annotations'].append(
                dict(
                    id=1 + len(truth['annotations']),
                    image_id=image_id,
                    video_id=video_id,
                    instance_id=10 * video_id + row,
                    category_id=1 + int(clip.labels[row]),
                    bbox=[x1, y1, x2 - x1, y2 - y1],
                    area=float(mask.sum()),
                    segmentation=dict(size=rle['size'], counts=rle['counts'].decode()),
                    iscrowd=0,
                )
            )


def tiny_mmtrack_model(**changes: Any) -> ConfigDict:
    """:func:`tiny_config` with MMTracking's preprocessor and 40 classes.

    It shows instances although untrained, unless told otherwise.
    """
    changes.setdefault('tracker', SHOWS_ALL)
    model = tiny_config(**changes)
    model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=4)
    set_classes(model, len(CLASSES))
    model.data_preprocessor.type = 'mmtrack.TrackDataPreprocessor'
    model._scope_ = 'mmdet'
    return model


def write_config(folder: Path, model: ConfigDict, sampling: str) -> Path:
    """The stock config with its model, frame sampling, seed and one line replaced.

    Args:
        folder: Where the file goes.
        model: Replaces MaskTrack R-CNN.
        sampling: Settings of the training set, as Python source.
    """
    path = folder / 'config.py'
    path.write_text(
        f"""
_base_ = ['{STOCK}']
custom_imports = dict(imports=['mmvist.interop.mmtrack'])
model = dict(_delete_=True, **{model.to_dict()!r})
train_dataloader = dict(dataset=dict({sampling}))
randomness = dict(seed=0)
"""
    )
    return path


def write_mot17(folder: Path) -> Path:
    """Boxes of the same videos as the stock MOT configs look for them.

    MOT17 has ``half-train`` and ``half-val``, CrowdHuman the same frames again.

    Returns:
        ``folder/data``.
    """
    data = folder / 'data'
    frames: list[dict] = []
    boxes: list[dict] = []
    clips = [toy_video(LENGTH, seed=seed) for seed in (1, 2)]
    for video_id, clip in enumerate(clips, 1):
        images = data / 'MOT17' / 'train' / f'v{video_id}' / 'img1'
        images.mkdir(parents=True)
        height, width = clip.frames.shape[-2:]
        for t, frame in enumerate(clip.frames):
            cv2.imwrite(str(images / f'{t:06}.png'), frame.numpy().transpose(1, 2, 0))
            frames.append(
                dict(
                    id=1 + len(frames),
                    video_id=video_id,
                    frame_id=t,
                    file_name=f'v{video_id}/img1/{t:06}.png',
                    height=height,
                    width=width,
                )
            )
            for row, (x1, y1, x2, y2) in enumerate(boxes_of(clip.masks[t]).tolist()):
                boxes.append(
                    dict(
                        id=1 + len(boxes),
                        image_id=frames[-1]['id'],
                        video_id=video_id,
                        instance_id=10 * video_id + row,
                        category_id=1,
                        bbox=[x1, y1, x2 - x1, y2 - y1],
                        area=(x2 - x1) * (y2 - y1),
                        mot_conf=1.0,
                        visibility=1.0,
                        iscrowd=0,
                    )
                )
    truth = dict(
        categories=[dict(id=1, name='pedestrian')],
        videos=[dict(id=i, name=f'v{i}') for i in (1, 2)],
        images=frames,
        annotations=boxes,
    )
    names = {
        'MOT17': ('half-train_cocoformat', 'half-val_cocoformat'),
        'crowdhuman': ('crowdhuman_train', 'crowdhuman_val'),
    }
    for dataset, files in names.items():
        (data / dataset / 'annotations').mkdir(parents=True)
        for name in files:
            path = data / dataset / 'annotations' / f'{name}.json'
            path.write_text(json.dumps(truth))
    for split in ('train', 'val'):
        link = data / 'crowdhuman' / split
        link.symlink_to(data / 'MOT17' / 'train', target_is_directory=True)
    return data


def at_scale(pipeline: list[dict], scale: tuple[int, int]) -> list[dict]:
    """A copy of a pipeline that resizes to ``scale`` (width, height)."""
    pipeline = copy.deepcopy(pipeline)
    for step in pipeline:
        if 'transforms' in step:
            step['transforms'] = at_scale(step['transforms'], scale)
        if 'scale' in step:
            step['scale'] = scale
    return pipeline
