"""Tiny videos with exact truth, and predictions as the models hand them over."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

HEIGHT, WIDTH = 24, 32


def box(y0: int, x0: int, y1: int, x1: int) -> np.ndarray:
    """A filled rectangle, bool (24, 32)."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y0:y1, x0:x1] = True
    return mask


def encode(mask: np.ndarray) -> dict:
    rle = mask_utils.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {'size': rle['size'], 'counts': rle['counts'].decode()}


@dataclass
class Frame:
    """truth: (category, instance, mask); ignore: masks; pred: dicts."""

    truth: list = field(default_factory=list)
    ignore: list = field(default_factory=list)
    pred: list = field(default_factory=list)


def pred(id, mask, score=0.9, label=0, kind=None) -> dict:
    return dict(id=id, mask=mask, score=score, label=label, kind=kind)


def write_truth(path: Path, videos: list[list[Frame]], classes: list[str]) -> str:
    """CocoVID json; images are numbered from 1 over the videos, ids of
    categories from 1 in the order of the classes."""
    data = dict(videos=[], images=[], annotations=[])
    data['categories'] = [dict(id=i + 1, name=n) for i, n in enumerate(classes)]
    for v, frames in enumerate(videos):
        data['videos'].append(
            dict(id=v + 1, name=f'{v:04d}', width=WIDTH, height=HEIGHT)
        )
        for t, frame in enumerate(frames):
            img_id = len(data['images']) + 1
            image = dict(id=img_id, video_id=v + 1, frame_id=t, file_name=f'{t}.png')
            data['images'].append(dict(image, width=WIDTH, height=HEIGHT))
            regions = [(10, 10000, mask) for mask in frame.ignore]
            for cat, instance, mask in [*frame.truth, *regions]:
                ann = dict(
                    id=len(data['annotations']) + 1,
                    image_id=img_id,
                    video_id=v + 1,
                    category_id=cat,
                    instance_id=instance,
                    segmentation=encode(mask),
                    area=int(mask.sum()),
                    bbox=mask_utils.toBbox(encode(mask)).tolist(),
                    iscrowd=int(cat == 10),
                )
                data['annotations'].append(dict(ann, ignore=True) if cat == 10 else ann)
    path.write_text(json.dumps(data))
    return str(path)


def data_sample(img_id, preds, **meta) -> DetDataSample:
    masks = [p['mask'] for p in preds]
    instances = InstanceData(
        bboxes=torch.zeros(len(preds), 4),
        labels=torch.tensor([p['label'] for p in preds], dtype=torch.long),
        scores=torch.tensor([p['score'] for p in preds], dtype=torch.float32),
        instances_id=torch.tensor([p['id'] for p in preds], dtype=torch.long),
        masks=torch.from_numpy(
            np.array(masks) if masks else np.zeros((0, HEIGHT, WIDTH), dtype=bool)
        ),
    )
    if preds and preds[0]['kind'] is not None:
        instances.kinds = torch.tensor([p['kind'] for p in preds])
    sample = DetDataSample(metainfo=dict(meta, img_id=img_id))
    sample.pred_track_instances = instances
    return sample


def feed(metric, videos: list[list[Frame]], whole: bool = True, only=None) -> None:
    """Hand over predictions as the runner does, by video or by frame."""
    img_id = 0
    for v, frames in enumerate(videos):
        samples = []
        for t, frame in enumerate(frames):
            img_id += 1
            samples.append(
                data_sample(
                    img_id,
                    frame.pred,
                    video_id=v + 1,
                    frame_id=t,
                    ori_video_length=len(frames),
                    ori_shape=(HEIGHT, WIDTH),
                )
            )
        if only is not None and v not in only:
            continue
        for part in [samples] if whole else [[sample] for sample in samples]:
            track = TrackDataSample()
            track.video_data_samples = part
            metric.process({}, [track.to_dict()])


def evaluate(metric, videos, classes, whole=True) -> dict:
    metric.dataset_meta = dict(classes=classes)
    feed(metric, videos, whole)
    return metric.evaluate(len(videos))


def random_videos(seed: int, num_classes: int = 2, num_videos: int = 3) -> list:
    """Moving boxes; predictions shifted, dropped, switched, invented, and all
    disjoint; a part of each frame is an ignore region."""
    rng = np.random.default_rng(seed)
    videos = []
    for v in range(num_videos):
        starts = rng.integers(0, 20, (6, 2))
        speeds = rng.integers(-2, 3, (6, 2))
        frames = []
        for t in range(8):
            free, frame = np.ones((HEIGHT, WIDTH), dtype=bool), Frame()
            for i, (start, speed) in enumerate(zip(starts, speeds, strict=True)):
                y, x = np.clip(start + t * speed, 0, [18, 26])
                mask = box(y, x, y + 6, x + 6) & free
                if mask.sum() >= 4 and rng.random() < 0.9:
                    frame.truth.append((i % num_classes + 1, v * 100 + i + 1, mask))
                    free &= ~mask
            frame.ignore = [box(0, 0, 24, 10) & free] if t % 2 else []
            free = np.ones((HEIGHT, WIDTH), dtype=bool)
            ids = rng.permutation(50)[:4] + 101
            for cat, instance, mask in frame.truth:
                shift = rng.integers(-1, 2, 2)
                mask = np.roll(mask, shift, (0, 1)) & free
                if rng.random() < 0.85 and mask.any():
                    swap = rng.random() < 0.1
                    frame.pred.append(
                        pred(
                            instance + 500 * swap,
                            mask,
                            float(rng.random()),
                            cat - 1 if rng.random() < 0.9 else 0,
                            int(rng.integers(3)),
                        )
                    )
                    free &= ~mask
            for fake in ids:
                y, x = rng.integers(0, [18, 26])
                mask = box(y, x, y + 5, x + 5) & free
                if mask.any():
                    frame.pred.append(
                        pred(
                            int(fake) + 1000,
                            mask,
                            float(rng.random()) / 2,
                            int(rng.integers(num_classes)),
                            2,
                        )
                    )
                    free &= ~mask
            frames.append(frame)
        videos.append(frames)
    return videos


@pytest.fixture(scope='session')
def toy() -> SimpleNamespace:
    return SimpleNamespace(
        Frame=Frame,
        box=box,
        encode=encode,
        pred=pred,
        write_truth=write_truth,
        data_sample=data_sample,
        feed=feed,
        evaluate=evaluate,
        random_videos=random_videos,
        size=(HEIGHT, WIDTH),
    )
