"""Batches of made-up frames, as a loader hands them to a model in training."""

from __future__ import annotations

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from torch import Tensor

from .frames import Objects


def clip_batch(objects: Objects, count: int) -> dict:
    """For ``VAEVIST``: ``count`` times the frames t-1, t and t+1."""
    meta = dict(is_first=False, has_next=True, instance_ages={})
    samples = [
        TrackDataSample(
            video_data_samples=[_sample(objects, 3 * n + t, **meta) for t in range(3)]
        )
        for n in range(count)
    ]
    return dict(inputs=_frames(objects, count, 3), data_samples=samples)


def pair_batch(objects: Objects, count: int) -> dict:
    """For MMDetection's ``MaskTrackRCNN``: a frame and a reference frame each."""
    samples = [
        TrackDataSample(
            video_data_samples=[_sample(objects, 3 * n + t) for t in range(2)],
            metainfo=dict(key_frames_inds=[0], ref_frames_inds=[1]),
        )
        for n in range(count)
    ]
    return dict(inputs=_frames(objects, count, 2), data_samples=samples)


def _frames(objects: Objects, count: int, length: int) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = (length, 3, *objects.size)
    return [
        torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8)
        for _ in range(count)
    ]


def _sample(objects: Objects, frame: int, **meta: object) -> DetDataSample:
    height, width = objects.size
    boxes = objects.boxes(frame)
    masks = np.zeros((objects.count, height, width), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.round().int().tolist(), strict=True):
        mask[y1:y2, x1:x2] = 1
    sample = DetDataSample(
        metainfo=dict(
            img_id=frame,
            frame_id=frame,
            video_id=0,
            video_length=1000,
            ori_shape=(height, width),
            img_shape=(height, width),
            scale_factor=(1.0, 1.0),
            **meta,
        )
    )
    sample.gt_instances = InstanceData(
        bboxes=boxes,
        labels=torch.zeros(objects.count, dtype=torch.long),
        instances_ids=torch.arange(1, objects.count + 1),
        masks=BitmapMasks(masks, height, width),
    )
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4),
        labels=torch.zeros(0, dtype=torch.long),
        instances_ids=torch.zeros(0, dtype=torch.long),
        masks=BitmapMasks(np.zeros((0, height, width), np.uint8), height, width),
    )
    return sample
