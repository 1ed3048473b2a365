"""Methods side by side, as figure 3 of the VAE-VIST paper shows them.

One row of frames for each method and one of the truth. Red arrows point at what a
method missed; red plates, which the paper does not have, name identity switches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmvist.engine.dump import read_tracks
from mmvist.engine.errors import UserError
from mmvist.evaluation.frame_errors import (
    FrameErrors,
    PredictedFrame,
    choose_frames,
    difference,
    find_errors,
)
from mmvist.evaluation.predictions import read_predictions
from mmvist.evaluation.rle import as_text
from mmvist.evaluation.truth import Truth, TruthFrame, TruthVideo
from mmvist.visualization import (
    draw_instances,
    fit,
    mark_missed,
    mark_switch,
    numbers_by_votes,
    titled_rows,
)
from mmvist.visualization.labels import Rectangle

from .browse import read_frame
from .compare import truth_instances

MAX_WIDTH = 3000
LEGEND = (
    'red arrow: missed, no mask with an IoU of {iou} or more      '
    '3 \N{RIGHTWARDS ARROW} 5: the identity switched from 3 to 5'
)


@dataclass
class Method:
    """A prediction of a whole data set.

    Attributes:
        name: What the figure calls it.
        frames: By image id.
    """

    name: str
    frames: Mapping[int, PredictedFrame]


def read_method(path: Path, name: str, truth: Truth, score_thr: float = 0.3) -> Method:
    """Read a prediction.

    Args:
        path: A folder of MOTS txt files, a YouTube-VIS result json, or what
            ``tools/test.py --out`` wrote (a pickle: only open your own).
        name: What to call it.
        truth: The annotations that it belongs to.
        score_thr: Weaker instances are left out; MOTS txt has no scores.

    Raises:
        DataError: A file is missing or wrong.
        UserError: The same of a pickle, or it belongs to other frames.
    """
    frames: dict[int, PredictedFrame] = {}
    if path.suffix in ('.pkl', '.pickle'):
        for record in read_tracks(path):
            if 'scores' not in record:
                raise UserError(f'{path}: a track has no score; test the model again')
            _check_frame(record, path, truth)
            kept = [i for i, s in enumerate(record['scores']) if s >= score_thr]
            # its labels count the classes of a config, which it does not name
            frames[record['img_id']] = PredictedFrame(
                ids=[int(record['instances_id'][i]) for i in kept],
                rles=[as_text(record['masks'][i]) for i in kept],
            )
        return Method(name, frames)
    for sample in read_predictions(path, truth):
        found = sample.pred_track_instances
        kept = (found.scores >= score_thr).nonzero()[:, 0].tolist()
        frames[sample.img_id] = PredictedFrame(
            ids=[int(found.instances_id[i]) for i in kept],
            rles=[as_text(found.masks[i]) for i in kept],
            labels=[int(found.labels[i]) for i in kept],
        )
    return Method(name, frames)


def _check_frame(record: Mapping[str, Any], path: Path, truth: Truth) -> None:
    """See whether a frame of a pickle is one of the annotations, of their size.

    Raises:
        UserError: It is not; the figure would show everything as missed.
    """
    frame = truth.frames.get(record['img_id'])
    where = f'{path}: image {record["img_id"]}'
    if frame is None:
        raise UserError(
            f'{where} is not in the annotation file: take that of its own data set'
        )
    for rle in record['masks']:
        if list(rle['size']) != [frame.height, frame.width]:
            raise UserError(
                f'{where} is {rle["size"][1]} x {rle["size"][0]}, in the annotation '
                f'file {frame.width} x {frame.height}: take that of its own data set'
            )


def most_different_video(
    methods: Sequence[Method], truth: Truth, iou_thr: float = 0.5
) -> TruthVideo:
    """The video in which most instances are followed differently; the first of equals.

    Of a single method, the one with most errors.

    Raises:
        UserError: There is no video with an instance.
    """

    def differences(video: TruthVideo) -> int:
        errors = [find_errors(video.frames, one.frames, iou_thr) for one in methods]
        return sum(difference(frames) for frames in zip(*errors, strict=True))

    videos = [video for video in truth.videos if any(f.rles for f in video.frames)]
    if not videos:
        raise UserError('the annotation file has no instance in any video')
    return max(videos, key=differences)


def method_figure(
    methods: Sequence[Method],
    video: TruthVideo,
    truth: Truth,
    images: Path,
    numbers: Sequence[int] = (),
    count: int = 4,
    iou_thr: float = 0.5,
) -> np.ndarray:
    """Draw methods and truth in some frames of a video.

    Instances are numbered from 1 as they come in the video. A predicted identity has
    colour and number of the instance that it covers in most frames, so that a switch
    changes the colour of an object.

    Args:
        methods: One row each, in this order; the truth comes last.
        video: A video of ``truth``.
        truth: The annotations.
        images: Folder that their ``file_name`` are relative to.
        numbers: Frames to show, numbered as their files are; by default those in
            which the methods differ most.
        count: How many of those.
        iou_thr: From here on a mask covers an instance.

    Returns:
        uint8 BGR, at most 3000 pixels wide.

    Raises:
        UserError: The video has no such frame, or a frame cannot be read.
    """
    errors = [find_errors(video.frames, one.frames, iou_thr) for one in methods]
    chosen = _positions(video, numbers) if numbers else choose_frames(errors, count)
    frames = [video.frames[t] for t in chosen]
    pictures = [read_frame(images, frame) for frame in frames]
    real = _real_numbers(video)
    names = tuple(truth.categories)
    rows = []
    for method, results in zip(methods, errors, strict=True):
        shown = _predicted_numbers(video, method, results, real)
        drawn = []
        for image, frame, t in zip(pictures, frames, chosen, strict=True):
            found = method.frames.get(frame.img_id) or PredictedFrame()
            drawn.append(_draw(image, frame, found, results[t], shown, names))
        rows.append((f'{method.name}:  {_count(results)}', drawn))
    drawn = []
    for image, frame in zip(pictures, frames, strict=True):
        instances = truth_instances(frame, truth)
        ids = [real[one] for one in frame.instance_ids]
        instances.instances_id = torch.tensor(ids).long()
        drawn.append(draw_instances(image, instances, names))
    rows.append((f'truth:  clip {video.name}, {len(video.frames)} frames', drawn))
    captions = [f'frame {frame.number}' for frame in frames]
    figure = titled_rows(captions, rows, LEGEND.format(iou=iou_thr))
    height, width = figure.shape[:2]
    if width > MAX_WIDTH:
        figure = fit(figure, (round(height * MAX_WIDTH / width), MAX_WIDTH))
    return figure


def _positions(video: TruthVideo, numbers: Sequence[int]) -> list[int]:
    place_of = {frame.number: t for t, frame in enumerate(video.frames)}
    for number in numbers:
        if number not in place_of:
            raise UserError(
                f'video {video.name} has no frame {number}; it has '
                f'{min(place_of)} to {max(place_of)}'
            )
    return [place_of[number] for number in numbers]


def _real_numbers(video: TruthVideo) -> dict[int, int]:
    """Instances numbered from 1 as they come: the first colours differ most."""
    order: dict[int, int] = {}
    for frame in video.frames:
        for instance in frame.instance_ids:
            order.setdefault(instance, len(order) + 1)
    return order


def _predicted_numbers(
    video: TruthVideo,
    method: Method,
    results: Sequence[FrameErrors],
    real: Mapping[int, int],
) -> dict[int, int]:
    """Predicted identity to the number that is shown."""
    shared: Counter[tuple[int, int]] = Counter()
    seen: dict[int, None] = {}
    for frame, errors in zip(video.frames, results, strict=True):
        found = method.frames.get(frame.img_id) or PredictedFrame()
        seen.update(dict.fromkeys(found.ids))
        for instance, identity in zip(frame.instance_ids, errors.ids, strict=True):
            if identity is not None:
                shared[identity, real[instance]] += 1
    return numbers_by_votes(shared, list(seen), real.values())


def _draw(
    image: np.ndarray,
    frame: TruthFrame,
    found: PredictedFrame,
    errors: FrameErrors,
    shown: Mapping[int, int],
    names: Sequence[str],
) -> np.ndarray:
    masks = np.zeros((len(found.rles), frame.height, frame.width), dtype=bool)
    for mask, rle in zip(masks, found.rles, strict=True):
        mask[:] = coco_mask.decode(rle)
    instances = InstanceData(
        masks=torch.from_numpy(masks),
        instances_id=torch.tensor([shown[one] for one in found.ids]).long(),
    )
    if found.labels:
        instances.labels = torch.tensor(found.labels)
    taken: list[Rectangle] = []
    picture = draw_instances(image, instances, names, taken=taken)
    size = picture.shape[1], picture.shape[0]

    def shape(row: int) -> np.ndarray:
        return _enlarged(coco_mask.decode(frame.rles[row]), size)

    for row, before in errors.switched.items():
        now = shown[errors.ids[row]]
        mark_switch(picture, shape(row), shown[before], now, taken)
    for row in errors.missed:
        mark_missed(picture, shape(row), taken)
    return picture


def _enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask as bool at the (width, height) of a picture, a whole multiple of its."""
    scale = size[0] // mask.shape[1]
    return np.kron(mask, np.ones((scale, scale), mask.dtype)).astype(bool)


def _count(results: Sequence[FrameErrors]) -> str:
    total = sum(len(errors.ids) for errors in results)
    missed = sum(len(errors.missed) for errors in results)
    switched = sum(len(errors.switched) for errors in results)
    return (
        f'{missed} of {total} instances missed, {switched} identity '
        f'switch{"" if switched == 1 else "es"} in the clip'
    )
