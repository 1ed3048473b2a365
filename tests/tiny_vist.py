"""A VAE-VIST of a few thousand weights, and clips that it can be fed.

The model is the demo's config made narrower, so that a test fails when a
module and the configs part ways.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.models import VAEVIST, DetailRoIExtractor
from mmvist.registry import MODELS
from mmvist.structures.clip import Clip, Frame
from mmvist.structures.hosts import clip_from_mmdet

CONFIGS = Path(__file__).parents[1] / 'configs'
DEMO = CONFIGS / 'vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
RTMDET = CONFIGS / 'mixing/vae-vist_rtmdet-ins_tiny_synthetic.py'
SIZE = (60, 90)
"""(height, width) of a frame: padded to (64, 96)."""
SHOWS_ALL = dict(
    match_iou_thr=0.3,
    match_score_thr=0.0,
    birth_score_thr=0.0,
    augment_birth_score_thr=0.0,
    keep_score_thr=0.0,
    duplicate_iou_thr=0.9,
)
"""A tracker that shows what an untrained model finds."""
SHORTCUT = dict(augment_head=dict(with_shortcut=True, skip_kernel=1))
FAST = dict(augment_head=dict(with_shortcut=True, skip_kernel=1, with_detail=True))
"""D_aug of the fast config."""


def tiny_config(**changes: Any) -> dict:
    """The demo's model with a tenth of its channels.

    Args:
        **changes: Arguments of ``VAEVIST`` to replace; a dict is merged.
    """
    model = copy.deepcopy(Config.fromfile(DEMO).model)
    model.mask_format = 'dense'
    detector = model.detector
    detector.backbone.update(stem_channels=8, base_channels=8)
    detector.neck.update(in_channels=[8, 16, 32, 64], out_channels=16)
    detector.rpn_head.update(in_channels=16, feat_channels=16)
    for roi_head in (detector.roi_head, model.augment_head.roi_head):
        roi_head.bbox_roi_extractor.out_channels = 16
        roi_head.mask_roi_extractor.out_channels = 16
        roi_head.bbox_head.update(in_channels=16, fc_out_channels=32)
        roi_head.mask_head.update(in_channels=16, conv_out_channels=16, num_convs=1)
    model.encoder.update(widths=(4, 8, 8, 16, 16), latent_channels=4)
    model.auxiliary_head.update(widths=(4, 8, 8, 16, 16), latent_channels=4)
    skips = dict(latent_channels=4, skip_channels=(8, 16, 16, 16), out_channels=16)
    model.proposal_head.update(**skips, widths=(8, 16, 16, 16), fc_channels=32)
    model.augment_head.update(**skips, widths=(16, 16, 16, 16), mask_channels=16)
    return _changed(model, changes)


def _changed(model: dict, changes: dict[str, Any]) -> dict:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(model.get(key), dict):
            model[key].update(value)
        else:
            model[key] = value
    return model


def tiny_rtmdet_config(**changes: Any) -> dict:
    """:func:`tiny_config` with a single-stage detector, narrow too."""
    model = tiny_config()
    detector = copy.deepcopy(Config.fromfile(RTMDET).model.detector)
    detector.backbone.widen_factor = 0.125
    detector.neck.update(in_channels=[32, 64, 128], out_channels=16)
    detector.bbox_head.update(in_channels=16, feat_channels=16)
    detector.test_cfg.update(score_thr=0.0, max_per_img=6)
    model.detector = detector
    model.augment_head.mask_strides = (8, 16, 32)
    return _changed(model, changes)


def set_classes(model: dict, count: int) -> dict:
    """Give the heads of a model config ``count`` classes; returns the config."""
    for roi_head in (model.detector.roi_head, model.augment_head.roi_head):
        roi_head.bbox_head.num_classes = roi_head.mask_head.num_classes = count
    return model


def tiny_model(**changes: Any) -> VAEVIST:
    """Built from :func:`tiny_config`, with PyTorch's random weights."""
    return MODELS.build(tiny_config(**changes))


@dataclass
class ToyVideo:
    """A video in memory.

    Attributes:
        frames: (T, 3, H, W) uint8.
        masks: (T, M, H, W) bool, disjoint; empty where an object is away.
        labels: (M,) classes.
    """

    frames: Tensor
    masks: Tensor
    labels: Tensor

    def sample(self, t: int, **metainfo: Any) -> DetDataSample:
        """Frame ``t`` with its truth; identities count from 1."""
        masks = self.masks[t]
        seen = masks.flatten(1).any(dim=1)
        size = tuple(self.frames.shape[-2:])
        sample = DetDataSample()
        sample.gt_instances = InstanceData(
            bboxes=boxes_of(masks[seen]),
            labels=self.labels[seen],
            instances_ids=1 + seen.nonzero()[:, 0],
            masks=BitmapMasks(masks[seen].numpy().astype(np.uint8), *size),
        )
        sample.set_metainfo(
            dict(
                img_id=t,
                img_path='',
                ori_shape=size,
                img_shape=size,
                scale_factor=(1.0, 1.0),
                frame_id=t,
                video_id=1,
                ori_video_length=len(self.frames),
            )
            | metainfo
        )
        return sample


def toy_video(
    length: int = 6, size: tuple[int, int] = SIZE, seed: int = 0, step: int = 3
) -> ToyVideo:
    """A red box that moves right in front of a blue disc that moves left."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    texture = rng.integers(90, 130, (height, width, 3))
    frames, masks = [], []
    for t in range(length):
        left = width // 12 + step * t
        box = (abs(columns - left - width // 6) <= width // 7) & (
            abs(rows - height // 3) <= height // 5
        )
        disc = (columns - 3 * width // 4 + step * t) ** 2 + (
            rows - 2 * height // 3
        ) ** 2 <= (height // 5) ** 2
        disc &= ~box
        frame = texture.copy()
        frame[disc] = (200, 80, 20) + 20 * ((rows[disc] // 4) % 2)[:, None]
        frame[box] = (20, 40, 210) + 20 * ((columns[box] - left) // 4 % 2)[:, None]
        frames.append(frame.transpose(2, 0, 1))
        masks.append(np.stack([box, disc]))
    return ToyVideo(
        torch.from_numpy(np.stack(frames).astype(np.uint8)),
        torch.from_numpy(np.stack(masks)),
        torch.tensor([0, 1]),
    )


def boxes_of(masks: Tensor) -> Tensor:
    """(M, H, W) bool to (M, 4) xyxy of the pixels' outer edges."""
    boxes = torch.zeros(len(masks), 4)
    for row, mask in enumerate(masks):
        y, x = mask.nonzero(as_tuple=True)
        if len(y):
            boxes[row] = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])
    return boxes


def train_data(
    video: ToyVideo, frames: Sequence[int], first: Sequence[int] = ()
) -> dict:
    """A batch as a dataloader gives it: one sample for each t of ``frames``.

    Args:
        video: The video.
        frames: Frames t.
        first: Those of them that play the start of a video.
    """
    inputs, samples = [], []
    last = len(video.frames) - 1
    for t in frames:
        is_first = t == 0 or t in first
        meta = dict(is_first=is_first, has_next=t < last)
        order = [t if is_first else t - 1, t, min(t + 1, last)]
        sequence = [video.sample(one, instance_ages={}, **meta) for one in order]
        if is_first:
            sequence[0].gt_instances = sequence[0].gt_instances[
                torch.zeros(len(sequence[0].gt_instances), dtype=torch.bool)
            ]
        inputs.append(video.frames[order])
        samples.append(TrackDataSample(video_data_samples=sequence))
    return dict(inputs=inputs, data_samples=samples)


def pair_data(video: ToyVideo, pairs: Sequence[tuple[int, int]]) -> dict:
    """The same for MaskTrack R-CNN: a key and a reference frame in each sample."""
    samples = [
        TrackDataSample(
            video_data_samples=[video.sample(t) for t in pair],
            metainfo=dict(key_frames_inds=[0], ref_frames_inds=[1]),
        )
        for pair in pairs
    ]
    return dict(
        inputs=[video.frames[list(pair)] for pair in pairs], data_samples=samples
    )


def train_clip(
    model: VAEVIST, frames: Sequence[int] = (1, 2), video: ToyVideo | None = None
) -> Clip:
    """What ``model.loss`` makes of :func:`train_data`."""
    data = train_data(video or toy_video(), frames)
    data = model.data_preprocessor(data, True)
    return clip_from_mmdet(data['inputs'], data['data_samples'])


def test_data(video: ToyVideo, frames: Sequence[int], **metainfo: Any) -> dict:
    """A test batch of one video, for ``test_step``."""
    samples = [video.sample(t, **metainfo) for t in frames]
    return dict(
        inputs=[video.frames[list(frames)]],
        data_samples=[TrackDataSample(video_data_samples=samples)],
    )


def frame_of(
    image: Tensor,  # (1, 3, H, W)
    frame_id: int = 0,
    video_id: int = 1,
    img_shape: tuple[int, int] = SIZE,
    scale: float = 1.0,
) -> Frame:
    """A test frame whose original is ``1 / scale`` times its size."""
    ori_shape = tuple(round(side / scale) for side in img_shape)
    return Frame(image, video_id, frame_id, ori_shape, img_shape, (scale, scale))


test_data.__test__ = False  # a helper, whatever pytest reads in its name


def lively_model(**changes: Any) -> VAEVIST:
    """A :func:`tiny_model` for testing that shows instances although untrained.

    All scores pass, and masks are cut at the median of random logits.
    """
    changes['tracker'] = SHOWS_ALL | changes.get('tracker', {})
    model = tiny_model(**changes).eval()
    for module in model.modules():
        if isinstance(module, DetailRoIExtractor):
            # starts at zero, and would say nothing
            torch.nn.init.normal_(module.down[-1].weight, std=0.1)
    return model
