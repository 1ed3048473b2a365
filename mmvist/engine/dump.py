"""Predictions in a file: ``tools/test.py --out``."""

import os
import pickle
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from pycocotools import mask as coco_mask
from torch import Tensor

from mmvist.evaluation.any_host import AnyHostMetric
from mmvist.files import whole_file
from mmvist.registry import METRICS

from .errors import UserError


@METRICS.register_module()
class DumpTracks(AnyHostMetric):
    """Write what a test predicts to a pickle, one dict a frame.

    A dict holds ``img_id``, ``video_id``, ``frame_id``, ``img_path`` and, of its
    n instances, NumPy arrays ``bboxes`` (n, 4; xyxy, original pixels), ``labels``,
    ``scores``, ``instances_id`` (n,), whatever else of one number per instance
    the model gives, and ``masks``, a list of n compressed RLEs at the frame's
    original size. Frames come in order of video and frame.

    Args:
        out_file_path: The file; its folder is made.
    """

    default_prefix = 'dump'

    def __init__(self, out_file_path: str) -> None:
        super().__init__(collect_device='cpu')
        self.path = Path(out_file_path)

    def process_video(self, data_samples: Sequence[DetDataSample]) -> None:
        """Take the frames of a whole video in."""
        self.results.extend(_record(sample) for sample in data_samples)

    def process_image(
        self, data_samples: Sequence[DetDataSample], video_len: int
    ) -> None:
        """Take single frames in."""
        self.results.extend(_record(sample) for sample in data_samples)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Write the file; there is no metric."""
        # of several processes, a sampler that pads may have shown a video twice
        names = ('video_id', 'frame_id', 'img_id', 'img_path')
        frames = {tuple(map(one.get, names)): one for one in reversed(results)}
        ordered = sorted(
            frames.values(), key=lambda one: (one['video_id'], one['frame_id'])
        )
        with whole_file(self.path) as part, part.open('wb') as file:
            pickle.dump(ordered, file)
        return {}


def read_tracks(path: str | os.PathLike) -> list[dict[str, Any]]:
    """Read what :class:`DumpTracks` wrote.

    A pickle can run what it likes when it is opened: only open your own.

    Raises:
        UserError: There is no such file, or it is another one.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'{path}: no such file')
    try:
        tracks = pickle.loads(path.read_bytes())
    except Exception as error:  # a pickle fails in many ways
        raise UserError(f'{path} cannot be read as a pickle: {error}') from None
    if not isinstance(tracks, list) or not all(
        isinstance(one, dict) and {'img_id', 'masks', 'instances_id'} <= set(one)
        for one in tracks
    ):
        raise UserError(f'{path} is no file of tools/test.py --out')
    return tracks


def check_tracks(
    tracks: Sequence[dict[str, Any]], known: Container[int], where: str
) -> None:
    """Refuse the tracks of another data set.

    Args:
        tracks: As :func:`read_tracks` gives them.
        known: Image ids of the truth.
        where: Name of either file, for the message.

    Raises:
        UserError: No frame of theirs is a frame of the truth.
    """
    if not any(record['img_id'] in known for record in tracks):
        raise UserError(
            f'{where}: no frame of the tracks is one of the truth; are both of one '
            'data set?'
        )


def _record(sample: DetDataSample | dict) -> dict[str, Any]:
    """One frame as plain values, see :class:`DumpTracks`."""
    if isinstance(sample, dict):
        meta, predicted = sample, sample['pred_track_instances']
    else:
        meta = sample.metainfo
        predicted = dict(sample.pred_track_instances.items())
    record = {
        key: meta[key]
        for key in ('img_id', 'video_id', 'frame_id', 'img_path')
        if key in meta
    }
    for name, value in predicted.items():
        if meta.get('unreadable'):
            value = value[:0]  # whatever the model saw in the black frame
        if name == 'masks' and isinstance(value, list):
            record[name] = value  # run-length codes already
            continue
        array = value.cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        record[name] = _encode(array) if name == 'masks' else array
    return record


def _encode(masks: np.ndarray) -> list[dict[str, Any]]:
    """Masks (n, h, w) as n compressed RLEs."""
    return [
        coco_mask.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks
    ]
