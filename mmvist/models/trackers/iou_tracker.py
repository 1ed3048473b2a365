"""IoUTracker: detections linked by nothing but their overlap.

"High-Speed Tracking-by-Detection Without Using Image Information" (AVSS 2017).
It has no class and boxes alone; here classes are kept apart and masks may be
compared, since S001 links masks. Without motion model, without a look back at
what ended: the floor of table 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.registry import MODELS
from mmvist.structures.masks import disjoint_masks, mask_iou


@dataclass
class _Track:
    """An active track: its last detection, and what the tests of its end need."""

    identity: int
    label: int
    region: Tensor  # (4,) xyxy or (H, W) bool
    best_score: float
    length: int = 1

    def extend(self, region: Tensor, score: float) -> None:
        self.region = region
        self.best_score = max(self.best_score, score)
        self.length += 1


@MODELS.register_module()
class IoUTracker(BaseModule):
    """Greedy linking by IoU, frame by frame.

    1. Detections under ``sigma_l`` are left out. Where masks are compared, what is
       compared of the others is what no better score covers: of an object that is
       found twice the second has what the first left over, which hardly any other
       frame repeats; where that is nothing, it is left out, too.
    2. Each active track, the oldest first, takes the free detection that overlaps
       its last one most, if by at least ``sigma_iou``; else it ends, for good.
    3. Each detection that is left starts a track.
    4. A track counts if its best score is at least ``sigma_h`` and it has at least
       ``t_min`` frames.

    The tests of step 4 are those of a *finished* track. ``offline=True`` makes
    them so: :meth:`track` gives every instance an identity, and :meth:`finished`
    drops those of the tracks that fail, once all frames are there.
    ``offline=False`` never looks ahead: an instance is shown from the frame on in
    which its track, as it is so far, passes both. What is remembered is one
    detection a track.

    Args:
        sigma_l: Least score of a detection.
        sigma_h: Least best score of a track.
        sigma_iou: Least IoU of two detections that follow each other.
        t_min: Least number of frames of a track.
        iou_type: What overlaps: ``'mask'`` or ``'bbox'``.
        class_aware: Only detections of one class follow each other.
        offline: Whether step 4 waits for the end of the video.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: ``iou_type`` is neither of the two.
    """

    def __init__(
        self,
        sigma_l: float = 0.3,
        sigma_h: float = 0.8,
        sigma_iou: float = 0.5,
        t_min: int = 2,
        iou_type: str = 'mask',
        class_aware: bool = True,
        offline: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if iou_type not in ('mask', 'bbox'):
            raise ValueError(f"iou_type is 'mask' or 'bbox', got {iou_type!r}")
        self.sigma_l = sigma_l
        self.sigma_h = sigma_h
        self.sigma_iou = sigma_iou
        self.t_min = t_min
        self.iou_type = iou_type
        self.class_aware = class_aware
        self.offline = offline
        self.reset()

    def reset(self, next_id: int = 1) -> None:
        """Forget the video.

        Args:
            next_id: First identity to give; larger than 1 after a gap within a
                video, whose identities are not given again.
        """
        self._active: list[_Track] = []
        self._next_id = next_id

    @property
    def next_id(self) -> int:
        """The first identity that :meth:`track` has not given."""
        return self._next_id

    def track(
        self,
        model: torch.nn.Module | None = None,
        feats: object = None,
        data_sample: DetDataSample | None = None,
        **kwargs: object,
    ) -> InstanceData:
        """MMDetection's tracker interface, frame by frame.

        Args:
            model: The host model; not used.
            feats: The frame's features; not used.
            data_sample: Holds ``pred_instances`` (boxes xyxy, masks (N, H, W) bool,
                original pixels), and the metainfo; ``frame_id`` 0 starts a new
                video.

        Returns:
            The instances that are shown, in the order of the detections, with
            ``instances_id``; their masks are what they were.

        Raises:
            ValueError: There are no detections to link, or none with masks where
                masks are compared.
        """
        if data_sample is None or 'pred_instances' not in data_sample:
            raise ValueError('track() needs a data_sample with pred_instances')
        found = data_sample.pred_instances
        if self.iou_type == 'mask' and 'masks' not in found:
            raise ValueError("the detections have no masks: set iou_type='bbox'")
        if data_sample.metainfo.get('frame_id', 0) == 0:
            self.reset()
        found = found[found.scores >= self.sigma_l]
        regions = found.bboxes
        if self.iou_type == 'mask':
            regions = disjoint_masks(found.masks, found.scores)
            covers = regions.flatten(1).any(dim=1)
            found, regions = found[covers], regions[covers]
        owners = self._link(found, regions)
        found.instances_id = found.labels.new_tensor(
            [track.identity for track in owners], dtype=torch.long
        )
        if self.offline:
            return found
        shown = [self._counts(one.best_score, one.length) for one in owners]
        return found[torch.tensor(shown, dtype=torch.bool)]

    def finished(self, frames: Sequence[InstanceData]) -> list[InstanceData]:
        """The instances of a whole video whose tracks count.

        Args:
            frames: What :meth:`track` gave of each frame; ``scores`` and
                ``instances_id`` are all that is looked at.

        Returns:
            The same frames without the instances of the others.
        """
        best: dict[int, float] = defaultdict(lambda: float('-inf'))
        length: dict[int, int] = defaultdict(int)
        for frame in frames:
            rows = zip(frame.instances_id.tolist(), frame.scores.tolist(), strict=True)
            for identity, score in rows:
                best[identity] = max(best[identity], score)
                length[identity] += 1
        counts = {one for one in best if self._counts(best[one], length[one])}
        return [
            frame[
                torch.tensor(
                    [one in counts for one in frame.instances_id.tolist()],
                    dtype=torch.bool,
                )
            ]
            for frame in frames
        ]

    def _counts(self, best_score: float, length: int) -> bool:
        return best_score >= self.sigma_h and length >= self.t_min

    def _link(self, found: InstanceData, regions: Tensor) -> list[_Track]:
        """The track of each detection; those without one end."""
        labels, scores = found.labels.tolist(), found.scores.tolist()
        iou = self._iou(regions, labels)
        owners: list[_Track | None] = [None] * len(labels)
        for row, track in enumerate(self._active):
            free = [j for j, owner in enumerate(owners) if owner is None]
            best = max(free, key=lambda j: iou[row][j], default=None)
            if best is not None and iou[row][best] >= self.sigma_iou:
                # a view would keep all masks of the frame alive
                track.extend(regions[best].clone(), scores[best])
                owners[best] = track
        linked = {id(track) for track in owners}
        # born of this frame stand behind the others: the oldest chooses first
        self._active = [track for track in self._active if id(track) in linked]
        for j, owner in enumerate(owners):
            if owner is None:
                region = regions[j].clone()
                owners[j] = _Track(self._next_id, labels[j], region, scores[j])
                self._active.append(owners[j])
                self._next_id += 1
        return owners

    def _iou(self, regions: Tensor, labels: list[int]) -> list[list[float]]:
        """IoU of each active track with each detection; -1 for two classes."""
        if not self._active or not labels:
            return [[] for _ in self._active]
        last = torch.stack([track.region for track in self._active])
        overlaps = mask_iou if self.iou_type == 'mask' else bbox_overlaps
        iou = overlaps(last, regions)
        if self.class_aware:
            own = torch.tensor([track.label for track in self._active])
            other = own[:, None] != torch.tensor(labels)[None]
            iou[other.to(iou.device)] = -1
        return iou.tolist()
