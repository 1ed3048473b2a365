"""A TrackR-CNN of a few thousand weights, and clips that it can be fed.

As :mod:`tiny_vist`: the demo's config made narrower.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mmdet.structures import TrackDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from tiny_vist import CONFIGS, ToyVideo, test_data, tiny_config, toy_video

from mmvist.models import TrackRCNN
from mmvist.registry import MODELS

TRACK_RCNN = CONFIGS / 'baselines/track-rcnn_r18-half_fpn_synthetic.py'


def tiny_track_rcnn_config(**changes: Any) -> dict:
    """The demo's TrackR-CNN on the detector of ``tiny_config``.

    Args:
        **changes: Arguments of ``TrackRCNN`` to replace; a dict is merged.
    """
    model = copy.deepcopy(Config.fromfile(TRACK_RCNN).model)
    roi_head = model.detector.roi_head
    head = dict(roi_head.association_head, in_channels=32, embed_dims=8)
    model.detector = tiny_config().detector
    model.detector.roi_head.update(type=roi_head.type, association_head=head)
    model.temporal_convs.channels = (32, 64)
    for key, value in changes.items():
        if isinstance(value, dict):
            model[key].update(value)
        else:
            model[key] = value
    return model


def tiny_track_rcnn(**changes: Any) -> TrackRCNN:
    """Built from :func:`tiny_track_rcnn_config`, with PyTorch's random weights."""
    return MODELS.build(tiny_track_rcnn_config(**changes))


def clip_data(
    starts: Sequence[int] = (0, 2), length: int = 4, video: ToyVideo | None = None
) -> dict:
    """A training batch of clips, as a dataloader gives it."""
    video = video or toy_video()
    inputs, samples = [], []
    for start in starts:
        frames = range(start, start + length)
        inputs.append(video.frames[list(frames)])
        samples.append(
            TrackDataSample(video_data_samples=[video.sample(t) for t in frames])
        )
    return dict(inputs=inputs, data_samples=samples)


def tracked(
    model: TrackRCNN, video: ToyVideo, frames: Sequence[int], **metainfo: Any
) -> list[tuple[int, InstanceData]]:
    """Frame number and instances of what a call returns."""
    out = model.test_step(test_data(video, list(frames), **metainfo))
    assert len(out) == 1
    frames = out[0].video_data_samples if len(out[0]) else []
    return [(one.frame_id, one.pred_track_instances) for one in frames]
