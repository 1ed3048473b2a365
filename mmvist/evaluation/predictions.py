"""Prediction files in the benchmarks' formats, as the metrics take them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmvist.datasets.converters.cocovid import IGNORE_CLASS, check_entries
from mmvist.datasets.converters.frames import numbered_files
from mmvist.datasets.converters.kitti_mots import read_instances
from mmvist.datasets.converters.mots_txt import read_mots_txt
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError

from .mots_files import check_video_names, mots_path
from .truth import Truth, TruthFrame, TruthVideo

Found = dict[int, list[dict[str, Any]]]
"""Image id to instances: ``id``, ``label``, ``score``, ``rle``."""
Mask = tuple[TruthFrame, Any, int, dict[str, Any]]
"""Frame, what names the instance in its video, category id, run-length code."""


def read_predictions(path: str | Path, truth: Truth) -> Iterator[DetDataSample]:
    """Read a prediction file.

    Args:
        path: A folder that has, of each video and with its name, a MOTS txt file or
            a folder of MOTS pngs; or a YouTube-VIS result json.
        truth: The annotations that the predictions belong to.

    Yields:
        A sample for each frame of the truth, in order, with ``pred_track_instances``.
        Labels count the categories of the truth in their order. MOTS files have no
        scores: they are 1.

    Raises:
        DataError: A file is missing or wrong; one line that names it.
    """
    path = Path(path)
    if path.is_dir():
        found = _of_folder(path, truth)
    elif path.suffix == '.json':
        found = _of_json(path, truth)
    else:
        raise DataError(
            f'{path}: is neither a folder of MOTS txt or png files nor a YouTube-VIS '
            'json'
        )
    for frame in truth.frames.values():
        yield _sample(frame.img_id, found.get(frame.img_id, []))


def _of_folder(folder: Path, truth: Truth) -> Found:
    check_video_names(truth)
    label_of = {category: label for label, category in enumerate(_ids(truth))}
    classes = {category: name for name, category in truth.categories.items()}
    found: Found = defaultdict(list)
    for video in truth.videos:
        txt, pngs = mots_path(folder, video, '.txt'), mots_path(folder, video)
        if pngs.is_dir() and not txt.is_file():
            masks = _of_pngs(pngs, video, classes)
        else:
            masks = _of_txt(txt, video, classes)
        for frame, value, category, rle in masks:
            if category in label_of:
                found[frame.img_id].append(
                    dict(id=value, label=label_of[category], score=1.0, rle=rle)
                )
    return found


def _of_txt(path: Path, video: TruthVideo, classes: dict[int, str]) -> Iterator[Mask]:
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
            yield frame, one.value, one.category_id, one.rle


def _of_pngs(
    folder: Path, video: TruthVideo, classes: dict[int, str]
) -> Iterator[Mask]:
    png_of = numbered_files(folder, ('.png',))
    unknown = set(png_of) - {frame.number for frame in video.frames}
    if unknown:
        raise DataError(
            f'{png_of[min(unknown)]}: video {video.name} has no frame {min(unknown)}'
        )
    for frame in video.frames:
        if frame.number not in png_of:
            raise DataError(
                f'{folder}: has no png of frame {frame.number}; write one of 0 where '
                'nothing is found'
            )
        size = (frame.height, frame.width)
        for one in read_instances(png_of[frame.number], classes, size):
            if one.category_id != IGNORE_CLASS:
                yield frame, one.instance, one.category_id, one.rle


def _of_json(path: Path, truth: Truth) -> Found:
    try:
        tracks = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: is no json ({error}); write it again') from error
    if not isinstance(tracks, list):
        raise DataError(f'{path}: holds no list of tracks; is it an annotation file?')
    label_of = {category: label for label, category in enumerate(_ids(truth))}
    video_of = {video.id: video for video in truth.videos}
    found: Found = defaultdict(list)
    for number, track in enumerate(tracks):
        frames, where = _check_track(track, f'{path}: track {number}', video_of)
        if track['category_id'] not in label_of:
            raise DataError(f'{where} is of class {track["category_id"]}: not there')
        for time, (frame, mask) in enumerate(zip(frames, track['segmentations'])):
            if not mask:
                continue
            size = (frame.height, frame.width)
            found[frame.img_id].append(
                dict(
                    id=number + 1,
                    label=label_of[track['category_id']],
                    score=float(track['score']),
                    rle=read_segmentation(mask, size, f'{where}, frame {time}'),
                )
            )
    return found


def _check_track(
    track: Any, where: str, video_of: dict[Any, TruthVideo]
) -> tuple[list[TruthFrame], str]:
    """Frames of a result track, and what names it and its video in messages."""
    if not isinstance(track, dict):
        raise DataError(f'{where} is no object with video_id, segmentations, ...')
    missing = {'video_id', 'category_id', 'score', 'segmentations'} - set(track)
    if missing:
        raise DataError(f'{where} has no {min(missing)}')
    check_entries([track], where, ['video_id', 'category_id'])
    if track['video_id'] not in video_of:
        raise DataError(f'{where} is of video {track["video_id"]}: not there')
    where = f'{where} of video {track["video_id"]}'
    score, masks = track['score'], track['segmentations']
    if not isinstance(score, Real) or not math.isfinite(score):
        raise DataError(f'{where}: score {score!r} is no number')
    frames = video_of[track['video_id']].frames
    if not isinstance(masks, list):
        raise DataError(f'{where}: segmentations are no list of masks')
    if len(masks) != len(frames):
        raise DataError(
            f'{where} has {len(masks)} masks, but the video has {len(frames)} frames'
        )
    return frames, where


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
