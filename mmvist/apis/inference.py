"""Tracking whatever frames there are, one by one."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.models.data_preprocessors import TrackDataPreprocessor
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS, init_default_scope
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from mmvist.engine.checkpoint import load_weights
from mmvist.engine.errors import UserError
from mmvist.engine.launch import inner_dataset, read_file
from mmvist.registry import MODELS
from mmvist.structures.exclusive import unpack_masks
from mmvist.structures.hosts import Inputs, class_names, unpack_frames

from .frame_source import FrameSource
from .frames import Source, open_source


@dataclass
class FrameResult:
    """What a model sees in one frame.

    Attributes:
        frame_id: Position in the video, from 0.
        image: The frame as it came, (H, W, 3) uint8 BGR.
        instances: In pixels of ``image``, on the CPU: ``bboxes`` (N, 4) xyxy,
            ``labels``, ``scores``, ``instances_id`` (N,) and ``masks``
            (N, H, W) bool; a model without masks leaves them out.
        class_names: Names by label.
        seconds: Time since the first frame, where the source knows it.
    """

    frame_id: int
    image: np.ndarray
    instances: InstanceData
    class_names: tuple[str, ...]
    seconds: float | None = None


class VISTInferencer:
    """A trained tracker for videos, folders, streams, cameras and iterables of frames.

    Frames go through the transforms of the config's test pipeline, then through
    ``VAEVIST.step``; any other tracker of MMDetection through ``predict``. The
    state of ``step`` is all that is kept from one frame to the next, so that a
    video may be as long as it likes. An offline tracker tracks online here.

    Args:
        config: A config, or the path of one.
        checkpoint: Weights; random ones without.
        device: Such as ``'cuda:0'``. By default a GPU, if there is one that
            torch and the compiled ops of mmcv both can use.

    Raises:
        UserError: Config, checkpoint and device do not go together.

    Examples:
        >>> inferencer = VISTInferencer('config.py', 'best.pth')  # doctest: +SKIP
        >>> for result in inferencer('street.mp4'):  # doctest: +SKIP
        ...     print(result.frame_id, result.instances.instances_id.tolist())
        >>> results = inferencer('rtsp://camera/stream')  # doctest: +SKIP
    """

    def __init__(
        self,
        config: str | os.PathLike | Config,
        checkpoint: str | os.PathLike | None = None,
        device: str | None = None,
    ) -> None:
        self.cfg = _read_config(config)
        self.device = _device(device)
        self.model = MODELS.build(self.cfg.model)
        meta: Mapping[str, Any] = {}
        if checkpoint is not None:
            found = load_weights(self.model, checkpoint).get('meta')
            meta = found if isinstance(found, Mapping) else {}
        self.model.to(self.device).eval()
        if getattr(getattr(self.model, 'tracker', None), 'offline', False):
            # a result of each frame as it comes, where no end is in sight
            self.model.tracker.offline = False
        self.class_names = _class_names(self.cfg, meta)
        pipeline = _frame_pipeline(self.cfg)
        self.pipeline = Compose(pipeline)
        # MMDetection's pipelines take lists of frames, MMTracking's one frame
        self._takes_videos = isinstance(
            self.model.data_preprocessor, TrackDataPreprocessor
        )
        self._videos = 0

    def __call__(self, source: Source) -> Iterator[FrameResult]:
        """Track the frames of a source, lazily.

        Args:
            source: As :func:`mmvist.apis.open_source` takes it.

        Yields:
            One result a frame, in order.

        Raises:
            SourceError: The source cannot be read, at once or as it goes on.
        """
        frames = open_source(source)
        self._videos += 1
        return self._track(frames, self._videos)

    def _track(self, source: FrameSource, video: int) -> Iterator[FrameResult]:
        state = None
        for number, image in enumerate(source):
            inputs, sample = self.prepare(image, number, video)
            if hasattr(self.model, 'step'):
                [(frame, _)] = unpack_frames(inputs, [sample])
                instances, state = self.model.step(frame, state)
            else:
                with torch.no_grad():
                    tracked = self.model.predict(inputs, [sample])[0]
                sample = tracked[0] if self._takes_videos else tracked
                instances = sample.pred_track_instances
            shown = plain_instances(instances, image.shape[:2])
            yield FrameResult(number, image, shown, self.class_names, source.seconds)

    def prepare(
        self, image: np.ndarray, frame_id: int = 0, video_id: int = 0
    ) -> tuple[Inputs, BaseDataElement]:
        """A frame as the model takes it.

        Args:
            image: (H, W, 3) uint8 BGR.
            frame_id: Position in the video, from 0.
            video_id: Tells videos apart.

        Returns:
            (1, 1, 3, h, w), in MMTracking as ``img`` of a dict, resized,
            normalised, padded, on the device; and the sample of this one frame
            with its metainfo.

        Raises:
            UserError: The test pipeline cannot resize a frame of this shape.
        """
        frame = dict(
            img=image,
            img_id=frame_id,
            frame_id=frame_id,
            video_id=video_id,
            video_length=1,
            ori_video_length=frame_id + 1,
        )
        if self._takes_videos:
            frame = {key: [value] for key, value in frame.items()}
        try:
            batch = pseudo_collate([self.pipeline(frame)])
        except cv2.error as error:
            height, width = image.shape[:2]
            raise UserError(
                f'frame {frame_id} is {width} x {height}, which the test pipeline '
                f'cannot resize: {error.err}'
            ) from None
        batch = self.model.data_preprocessor(batch, False)
        return batch['inputs'], batch['data_samples'][0]


def _read_config(config: str | os.PathLike | Config) -> Config:
    if not isinstance(config, Config):
        config = read_file(Path(config))
    for name in ('model', 'test_dataloader'):
        if name not in config:
            raise UserError(f'config {config.filename} has no {name}')
    init_default_scope(config.get('default_scope', 'mmdet'))
    return config


def _device(name: str | None) -> torch.device:
    """The device of that name, or the best one that works.

    Raises:
        UserError: torch knows or has no such device.
    """
    if name is None:
        # imported here: the ops are compiled code, which only this line needs
        from mmcv.ops import get_compiling_cuda_version

        with_ops = get_compiling_cuda_version() != 'not available'
        name = 'cuda' if with_ops and torch.cuda.is_available() else 'cpu'
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f'device {name} cannot be used: {reason}') from None


def _class_names(cfg: Config, checkpoint_meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of the checkpoint, else of the config's test set, else of its class."""
    dataset = inner_dataset(cfg.test_dataloader.dataset)
    with DATASETS.switch_scope_and_registry(None) as registry:
        kind = registry.get(dataset.get('type', ''))
    if 'dataset_version' in dataset and hasattr(kind, 'set_dataset_classes'):
        kind.set_dataset_classes(dataset['dataset_version'])  # of YouTube-VIS
    own = getattr(kind, 'METAINFO', {})
    for meta in (checkpoint_meta.get('dataset_meta'), dataset.get('metainfo'), own):
        names = {key.lower(): value for key, value in (meta or {}).items()}
        if names.get('classes'):
            return class_names(names['classes'])
    return ()


def _frame_pipeline(cfg: Config) -> list[dict]:
    """The test pipeline, fed with a frame in memory instead of a file's name."""
    pipeline = copy.deepcopy(inner_dataset(cfg.test_dataloader.dataset)['pipeline'])
    for step in pipeline:
        if 'transforms' in step:
            step['transforms'] = _without_files(step['transforms'])
    return _without_files(pipeline)


def _without_files(transforms: Sequence[dict]) -> list[dict]:
    kept = []
    for step in transforms:
        kind = step['type'].rpartition('.')[2]
        if kind in ('LoadImageFromFile', 'LoadFrame'):
            in_memory = dict(type='mmdet.LoadImageFromNDArray')
            kept.append(dict(in_memory, to_float32=step.get('to_float32', False)))
        elif kind != 'LoadTrackAnnotations':
            kept.append(step)
    return kept


def plain_instances(instances: InstanceData, size: Sequence[int]) -> InstanceData:
    """On the CPU, masks as a bool tensor whatever the model gives.

    Args:
        instances: Of one frame.
        size: (height, width) of the frame.
    """
    plain = instances.cpu()
    masks = plain.get('masks')
    if isinstance(masks, list):
        size = tuple(masks[0]['size'] if masks else size[:2])
        plain.pop('masks')
        plain.masks = unpack_masks(masks, size)
    elif 'masks' in plain and not isinstance(plain.masks, Tensor):
        plain.masks = torch.from_numpy(np.asarray(plain.masks).astype(bool))
    return plain
