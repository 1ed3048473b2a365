"""Frames of one video through several trackers, with what is detected given.

Random weights detect nothing that could be timed: so every detector runs as it is, and
then says the same boxes, which move smoothly. What D_pro and the box head behind D_aug
add to a box is set to nothing, so that every tracker has the same objects all along.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.apis.complexity import frame_sample
from mmvist.engine.launch import read_config
from mmvist.models import VAEVIST, read_any_layout
from mmvist.models.trackers import (
    MATCHED,
    PROPAGATED,
    Candidates,
    IoUHungarianTracker,
)
from mmvist.registry import MODELS

from .rows import CONFIGS

SCORE = 0.9
RPN_BOXES = 200
"""Of a frame, for all alike: as in MMDetection's own config of MaskTrack R-CNN. Our
configs at the size of the paper take 1,000, as its Mask R-CNN does."""
HOST = 'MaskTrack R-CNN'
INNERMOST = f'{HOST}, channels innermost'
"""The host with what makes convolutions and RoIAlign of ``fast`` faster on a CPU."""
DATA = '4xb2-20e_youtubevis2019'
_CASES = {
    HOST: (f'baselines/masktrack-rcnn_mask-rcnn_r101_fpn_{DATA}.py', {}),
    'VAE-VIST': (f'vae_vist/vae-vist_mask-rcnn_r101_fpn_{DATA}.py', {}),
    'fast': (f'vae_vist/vae-vist_mask-rcnn_r101_fpn_{DATA}_fast.py', {}),
    'fast, every second frame detected': (
        f'vae_vist/vae-vist_mask-rcnn_r101_fpn_{DATA}_fast.py',
        {'detect_interval': 2},
    ),
}
"""Config under ``configs`` and what is changed of its model."""


def paper_cases(depth: int) -> dict[str, Config]:
    """Configs at the size of the paper, with one detector.

    Args:
        depth: Of the ResNet.
    """
    return {
        case: _config(path, changes, depth) for case, (path, changes) in _CASES.items()
    }


def _config(path: str, changes: Mapping[str, Any], depth: int) -> Config:
    cfg = read_config(CONFIGS / path)
    detector = cfg.model.detector
    detector.backbone.depth = depth
    detector.init_cfg = None
    detector.test_cfg.rpn.update(nms_pre=RPN_BOXES, max_per_img=RPN_BOXES)
    cfg.model.update(copy.deepcopy(dict(changes)))
    return cfg


@dataclass(frozen=True)
class Objects:
    """Boxes that move across a picture and come back.

    Attributes:
        count: How many.
        size: (height, width) of the picture as the network sees it, unpadded.
        sides: Smallest and largest side, as parts of the height.
    """

    count: int
    size: tuple[int, int]
    sides: tuple[float, float] = (0.2, 0.55)

    def boxes(self, frame: int, device: torch.device | str = 'cpu') -> Tensor:
        """(count, 4) xyxy in frame ``frame``."""
        draw = torch.Generator().manual_seed(self.count)
        height, width = self.size
        sides = torch.empty(self.count, 2).uniform_(*self.sides, generator=draw)
        sides = sides * height
        room = torch.tensor([width, height]) - sides
        start = torch.rand(self.count, 2, generator=draw)
        # so slow that a box of two frames ago still is the nearest to its object
        speed = torch.empty(self.count, 2).uniform_(-0.05, 0.05, generator=draw)
        # to and fro between 0 and 1
        place = ((start + frame * speed * sides / room) % 2 - 1).abs() * room
        return torch.cat([place, place + sides], dim=1).to(device)

    def detections(self, frame: int, device: torch.device | str) -> InstanceData:
        """What a detector says: all of the first class."""
        return InstanceData(
            bboxes=self.boxes(frame, device),
            scores=torch.full((self.count,), SCORE, device=device),
            labels=torch.zeros(self.count, dtype=torch.long, device=device),
        )


class Player:
    """A model that sees the frames of a video one after the other.

    Args:
        model_cfg: Config of a ``VAEVIST`` or of MMDetection's ``MaskTrackRCNN``.
        objects: What is detected.
        device: Where it runs.
        detector: Weights of the detector, to be those of another player.
        amp: In half precision.
        channels_last: Lay weights out with the channels innermost.
    """

    def __init__(
        self,
        model_cfg: Config,
        objects: Objects,
        device: str = 'cpu',
        detector: dict[str, Tensor] | None = None,
        amp: bool = False,
        channels_last: bool = False,
    ) -> None:
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope('mmdet'):
            self.model = MODELS.build(model_cfg).to(device).eval()
        if detector is not None:
            self.model.detector.load_state_dict(detector)
        if channels_last:
            self.model.to(memory_format=torch.channels_last)
            read_any_layout(self.model)
        self.objects = objects
        self.device = device
        self.amp = amp
        self.masks: list[int] = []
        self.shown = InstanceData()
        self._frame = -1
        self._say_boxes()
        _fill_masks(self.model)
        if isinstance(self.model, VAEVIST):
            _leave_boxes(self.model)

    def let_go(self) -> None:
        """What is not detected is lost; else a network so sure would keep all."""
        if isinstance(self.model, VAEVIST):
            self.model.tracker.survives = lambda candidates, scores, detected: (
                candidates.kinds != PROPAGATED
            )

    def _say_boxes(self) -> None:
        roi_head = self.model.detector.roi_head
        predict = roi_head.predict_bbox

        def instead(*args: object, **kwargs: object) -> list[InstanceData]:
            predict(*args, **kwargs)
            return [self.objects.detections(self._frame, self.device)]

        roi_head.predict_bbox = instead

    @torch.no_grad()
    def see(self, image: Tensor) -> None:
        """Track the next frame, (1, 3, H, W) padded.

        ``masks`` tells how many masks each frame had, ``shown`` what was told last.
        """
        self._frame += 1
        # of a video whose end nobody waits for
        sample = frame_sample(
            self._frame, self.objects.size, tuple(image.shape[-2:]), length=1 << 30
        )
        with torch.autocast(torch.device(self.device).type, enabled=self.amp):
            found = self.model.predict(image[:, None], [sample])
        one = found[0].video_data_samples[0]
        # of the host those before its tracker, which may lose some
        last = one.get('pred_instances', one.pred_track_instances)
        self.masks.append(len(last.masks))
        self.shown = one.pred_track_instances


def _leave_boxes(model: VAEVIST) -> None:
    """D_pro and the head behind D_aug keep boxes, and are sure of all of them."""
    # objects that overlap are two all the same
    model.tracker.duplicate_iou_thr = 1.0
    _take_detections(model.tracker)
    last = [model.proposal_head.fc_reg]
    if model.with_augment:
        head = model.augment_head.roi_head.bbox_head
        last += [head.fc_reg, head.fc_cls]
    for layer in last:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    if model.with_augment:
        head.fc_cls.bias.data[0] = 10.0


def _take_detections(tracker: IoUHungarianTracker) -> None:
    """A pair's box is that of its detection; without D_aug to narrow it again, a union
    would grow from frame to frame until it matched nothing."""
    associate = tracker.associate

    def instead(
        pro_boxes: Tensor, pro_labels: Tensor, det_boxes: Tensor, *rest: Tensor
    ) -> Candidates:
        found = associate(pro_boxes, pro_labels, det_boxes, *rest)
        pairs = found.kinds == MATCHED
        found.boxes[pairs] = det_boxes[found.det_rows[pairs]].to(found.boxes.dtype)
        return found

    tracker.associate = instead


def _fill_masks(model: nn.Module) -> None:
    """Masks that fill their boxes, nearly: what is empty would not be shown."""
    for name, module in model.named_modules():
        if name.endswith('mask_head.conv_logits'):
            nn.init.normal_(module.weight, std=1e-3)
            nn.init.constant_(module.bias, 1.0)


def padded(size: tuple[int, int], divisor: int = 32) -> tuple[int, int]:
    """The size of the tensor that a preprocessor makes."""
    return tuple(-(-side // divisor) * divisor for side in size)
