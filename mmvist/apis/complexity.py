"""What a frame costs: multiply-adds of testing, at a fixed number of objects.

Counted by PyTorch's own ``FlopCounterMode``, which sees every convolution and
matrix product that runs, RoI heads and track heads included. Bilinear sampling
(RoIAlign, also where it is a matrix product), normalisation and activations are not
counted, nor is NMS.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.ops import RoIAlign
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmvist.engine.errors import UserError
from mmvist.engine.launch import inner_dataset
from mmvist.models import VAEVIST
from mmvist.registry import MODELS
from mmvist.structures.clip import Frame
from mmvist.structures.motion import Motion
from mmvist.structures.track_state import Tracks, VideoState

WARM_UP = 8
"""Frames of a video until each brings a result."""


@dataclass(frozen=True)
class Complexity:
    """Of one frame.

    Attributes:
        multiply_adds: All together.
        by_part: Of each part of the model, such as ``detector.backbone``.
        parameters: Of the model, those that only train included.
        size: (height, width) of the frame, padding included.
        objects: Number of known instances, and of detections.
    """

    multiply_adds: int
    by_part: dict[str, int]
    parameters: int
    size: tuple[int, int]
    objects: int


def frame_complexity(
    cfg: Config, size: tuple[int, int] | None = None, objects: int = 4
) -> Complexity:
    """Count one frame of a video that is under way.

    Before it as many instances are known as are detected in it, and each is seen
    again: none is new or lost. The RPN hands on as many boxes as it may.

    Args:
        cfg: A whole config; the weights are random, they change nothing.
        size: (height, width) of a resized frame; by default that of the test
            pipeline.
        objects: Number of instances; the generated clips have 3.7 a frame.

    Raises:
        UserError: The model has no detector, or the config no size.
    """
    model_cfg = _with_fixed_boxes(cfg.model, objects)
    size = _padded(size or _size_of(cfg), model_cfg)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmdet')):
        model = MODELS.build(model_cfg).eval()
    image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        if isinstance(model, VAEVIST):
            counter = _count_step(model, image, objects)
        else:
            counter = _count_predict(model, image)
    by_layer = _by_layer(counter)
    total = counter.get_total_flops() // 2
    outside = total - sum(by_layer.values())
    for name, module in model.named_modules():
        if isinstance(module, RoIAlign):
            total -= by_layer.pop(name, 0)
    by_part = {**_by_part(by_layer), 'outside modules': outside}
    parameters = sum(one.numel() for one in model.parameters())
    return Complexity(total, by_part, parameters, size, objects)


class _Run(nn.Module):
    """Something that a model does, as a module: so the counter knows all names."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, run: Callable[[], object]) -> None:
        run()


def _count(model: nn.Module, run: Callable[[], object]) -> FlopCounterMode:
    with FlopCounterMode(display=False) as counter:
        _Run(model)(run)
    return counter


def _by_part(by_layer: Mapping[str, int]) -> dict[str, int]:
    """Summed by the first two parts of the layers' names."""
    by_part: dict[str, int] = defaultdict(int)
    for name, found in by_layer.items():
        by_part['.'.join(name.split('.')[:2])] += found
    return dict(by_part)


def _by_layer(counter: FlopCounterMode) -> dict[str, int]:
    """Multiply-adds of the counted modules that hold no other, by their names."""
    counts = counter.get_flop_counts()
    prefix = '_Run.model.'
    holders = {
        '.'.join(name.split('.')[:depth])
        for name in counts
        for depth in range(1, name.count('.') + 1)
    }
    # a multiply-add is two floating-point operations
    return {
        name.removeprefix(prefix): sum(found.values()) // 2
        for name, found in counts.items()
        if name.startswith(prefix) and name not in holders
    }


def _with_fixed_boxes(model_cfg: Mapping[str, Any], objects: int) -> dict[str, Any]:
    """The config of a model that detects ``objects`` instances whatever it sees."""
    model_cfg = copy.deepcopy(model_cfg)
    if 'detector' not in model_cfg or 'test_cfg' not in model_cfg['detector']:
        raise UserError(
            f'{model_cfg.get("type")} has no detector whose boxes are fixed'
        )
    test_cfg = model_cfg['detector']['test_cfg']
    never = dict(type='nms', iou_threshold=1.0)
    if 'rpn' in test_cfg:
        test_cfg['rpn'].update(nms=never, min_bbox_size=-1)
    last = test_cfg.get('rcnn', test_cfg)
    last.update(score_thr=-1.0, nms=never, max_per_img=objects)
    tracker = model_cfg.get('tracker', {})
    if str(tracker.get('type')).endswith('AssociationTracker'):
        tracker.update(score_thr=-1.0, min_area=-1)
    if str(tracker.get('type')).endswith('IoUHungarianTracker'):
        names = ('match', 'birth', 'augment_birth', 'keep')
        tracker.update({f'{name}_score_thr': 0.0 for name in names})
        tracker.update(match_iou_thr=-1.0, duplicate_iou_thr=1.0, class_aware=False)
    return model_cfg


def _size_of(cfg: Config) -> tuple[int, int]:
    """(height, width) that the test pipeline resizes to."""
    steps = list(inner_dataset(cfg.test_dataloader.dataset)['pipeline'])
    steps += [inner for step in steps for inner in step.get('transforms', [])]
    for step in steps:
        if 'scale' in step:
            width, height = step['scale']
            return height, width
    raise UserError('the test pipeline resizes to no size: give height and width')


def _padded(size: tuple[int, int], model_cfg: Mapping[str, Any]) -> tuple[int, int]:
    preprocessor = model_cfg.get('data_preprocessor') or {}
    divisor = preprocessor.get('pad_size_divisor', 1)
    return tuple(-(-side // divisor) * divisor for side in size)


def _count_step(model: VAEVIST, image: Tensor, objects: int) -> FlopCounterMode:
    """One step from a state with that many tracks."""
    size = tuple(image.shape[-2:])
    tracks = Tracks.empty(model.num_classes)
    tracks.ids = 1 + torch.arange(objects)
    tracks.boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0]]).repeat(objects, 1)
    tracks.class_probs = torch.ones(objects, model.num_classes)
    tracks.scores = torch.ones(objects)
    tracks.ages = torch.zeros(objects, dtype=torch.long)
    tracks.motion = Motion.start(tracks.boxes)
    state = VideoState(
        video_id=0,
        frame_id=0,
        next_id=objects + 1,
        tracks=tracks,
        frame=image,
        combined_mask=torch.zeros(1, 1, *size),
        steps=0,
    )
    frame = Frame(image, 0, 1, size, size)
    return _count(model, lambda: model.step(frame, state))


def _count_predict(model: nn.Module, image: Tensor) -> FlopCounterMode:
    """A frame of a video under way, all of whose frames show the same.

    What comes late, as of :class:`TrackRCNN`, is that of an earlier frame: so many
    frames are seen before that each brings one.
    """
    size = tuple(image.shape[-2:])
    samples = [frame_sample(t, size, size, length=2 * WARM_UP) for t in range(WARM_UP)]
    for sample in samples[:-1]:
        model.predict(image[:, None], [sample])
    return _count(model, lambda: model.predict(image[:, None], samples[-1:]))


def frame_sample(
    frame_id: int, size: tuple[int, int], padded: tuple[int, int], length: int
) -> TrackDataSample:
    """One frame of a video in testing, resized by nothing.

    Args:
        frame_id: From 0.
        size: (height, width).
        padded: The same of the tensor.
        length: Of the video.
    """
    sample = DetDataSample(
        metainfo=dict(
            img_id=frame_id,
            frame_id=frame_id,
            video_id=0,
            video_length=1,
            ori_video_length=length,
            ori_shape=size,
            img_shape=size,
            pad_shape=padded,
            batch_input_shape=padded,
            scale_factor=(1.0, 1.0),
        )
    )
    return TrackDataSample(video_data_samples=[sample])
