"""Prediction files in the benchmarks' formats, as the metrics take them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmvist.datasets.converters.mots_txt import read_mots_txt
from mmvist.datasets.errors import DataError

from .truth import Truth

Found = dict[int, list[dict[str, Any]]]
"""Image id to instances: ``id``, ``label``, ``score``, ``rle``."""


def read_predictions(path: str | Path, truth: Truth) -> Iterator[DetDataSample]:
    """Read a prediction file.

    Args:
        path: A folder of MOTS txt files, one for each video that has its name, or
            a YouTube-VIS result json.
        truth: The annotations that the predictions belong to.

    Yields:
        A sample for each frame of the truth, in order, with ``pred_track_instances``.
        Labels count the categories of the truth in their order. MOTS txt has no
        scores: they are 1.

    Raises:
        DataError: A file is missing or wrong; one line that names it.
    """
    path = Path(path)
    if path.is_dir():
        found = _of_txt(path, truth)
    elif path.suffix == '.json':
        found = _of_json(path, truth)
    else:
        raise DataError(
            f'{path}: is neither a folder of MOTS txt files nor a YouTube-VIS json'
        )
    for frame in truth.frames.values():
        yield _sample(frame.img_id, found.get(frame.img_id, []))


def _of_txt(folder: Path, truth: Truth) -> Found:
    label_of = {category: label for label, category in enumerate(_ids(truth))}
    classes = {category: name for name, category in truth.categories.items()}
    found: Found = defaultdict(list)
    for video in truth.videos:
        path = folder / (video.name.replace('/', '_') + '.txt')
        image_of = {frame.number: frame for frame in video.frames}
        for number, lines in read_mots_txt(path, classes, ids_by_class=False).items():
            if number not in image_of:
                raise DataError(
                    f'{path}:{lines[0].line}: video {video.name} has no frame {number}'
                )
            frame = image_of[number]
            for one in lines:
                if one.rle['size'] != [frame.height, frame.width]:
                    raise DataError(
                        f'{path}:{one.line}: mask is {one.rle["size"]}, its frame '
                        f'{[frame.height, frame.width]} (height, width)'
                    )
                if one.category_id in label_of:
                    label = label_of[one.category_id]
                    found[frame.img_id].append(
                        dict(id=one.value, label=label, score=1.0, rle=one.rle)
                    )
    return found


def _of_json(path: Path, truth: Truth) -> Found:
    try:
        tracks = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except ValueError as error:
        raise DataError(f'{path}: is no json ({error}); write it again') from error
    if not isinstance(tracks, list):
        raise DataError(f'{path}: holds no list of tracks; is it an annotation file?')
    label_of = {category: label for label, category in enumerate(_ids(truth))}
    video_of = {video.id: video for video in truth.videos}
    found: Found = defaultdict(list)
    for number, track in enumerate(tracks):
        where = f'{path}: track {number}'
        missing = {'video_id', 'category_id', 'score', 'segmentations'} - set(track)
        if missing:
            raise DataError(f'{where} has no {min(missing)}')
        if track['video_id'] not in video_of:
            raise DataError(f'{where} is of video {track["video_id"]}: not there')
        if track['category_id'] not in label_of:
            raise DataError(f'{where} is of class {track["category_id"]}: not there')
        frames = video_of[track['video_id']].frames
        if len(track['segmentations']) != len(frames):
            raise DataError(
                f'{where} has {len(track["segmentations"])} masks, but its video '
                f'{len(frames)} frames'
            )
        for frame, rle in zip(frames, track['segmentations']):
            if not rle:
                continue
            if list(rle['size']) != [frame.height, frame.width]:
                raise DataError(
                    f'{where}: mask is {rle["size"]}, its frame '
                    f'{[frame.height, frame.width]} (height, width)'
                )
            found[frame.img_id].append(
                dict(
                    id=number + 1,
                    label=label_of[track['category_id']],
                    score=float(track['score']),
                    rle=rle,
                )
            )
    return found


def _ids(truth: Truth) -> list[int]:
    return list(truth.categories.values())


def _sample(img_id: int, instances: list[dict[str, Any]]) -> DetDataSample:
    sample = DetDataSample(metainfo=dict(img_id=img_id))
    sample.pred_track_instances = InstanceData(
        bboxes=torch.zeros(len(instances), 4),
        labels=torch.tensor([one['label'] for one in instances], dtype=torch.long),
        scores=torch.from_numpy(np.array([one['score'] for one in instances], float)),
        instances_id=torch.tensor([one['id'] for one in instances], dtype=torch.long),
        masks=[one['rle'] for one in instances],
    )
    return sample
