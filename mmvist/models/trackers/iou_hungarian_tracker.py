"""Matching of propagated and detected boxes, and the life of an identity.

Implements eq. (5) and the rules of section 3.3.3 of the paper. Where the
paper is silent: matching stays within a class, a pair under the gate is
forbidden before the assignment is solved (so that it cannot take the place of
a good pair), a track that is not seen is kept for a few frames as lost and
chooses after the others, and what looks new near a track that would be lost
goes on with its identity.
"""

from __future__ import annotations

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.registry import MODELS
from mmvist.structures.crops import Crops, crop_iou
from mmvist.structures.masks import mask_iou
from mmvist.structures.motion import Motion, move_on
from mmvist.structures.track_state import Tracks

from .assignment import gated_assignment
from .candidates import Candidates


@MODELS.register_module()
class IoUHungarianTracker(BaseModule):
    """IoU cost, Hungarian assignment, identities for life.

    In VAE-VIST the proposals b^pro meet the detections b^mask. As a plain
    MMDetection tracker (:meth:`track`) it serves any detector or segmentor,
    whose last boxes then play the proposals.

    Args:
        match_iou_thr: epsilon: a pair matches only with a larger IoU.
        match_score_thr: Detections under it are not used at all.
        birth_score_thr: A new instance needs this score of the detector.
        augment_birth_score_thr: And this one of the augment branch.
        keep_score_thr: A known instance under this score is lost.
        mask_score_thr: An instance is not shown where its mask is less sure of its own
            pixels than that (their mean probability, at least that at which a pixel is
            the mask's): 0 shows all.
        recover_iou_thr: A new instance goes on with an identity that would be lost
            where their boxes, widened, have a larger IoU, see :meth:`recover`; 1 for
            never.
        recover_margin: By how much of its size a box is widened on each side for it.
        duplicate_iou_thr: Two masks that overlap more than this are one
            object; matched stays before propagated before new.
        num_frames_retain: Frames for which a lost track is kept.
        class_aware: Only boxes of one class match; recovery is so in any case.
        union: A matched pair becomes the union of its boxes; False keeps the
            propagated box (ablation rows without the augment branch).
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        match_iou_thr: float = 0.5,
        match_score_thr: float = 0.3,
        birth_score_thr: float = 0.5,
        augment_birth_score_thr: float = 0.5,
        keep_score_thr: float = 0.4,
        mask_score_thr: float = 0.0,
        recover_iou_thr: float = 0.1,
        recover_margin: float = 0.5,
        duplicate_iou_thr: float = 0.5,
        num_frames_retain: int = 5,
        class_aware: bool = True,
        union: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.match_iou_thr = match_iou_thr
        self.match_score_thr = match_score_thr
        self.birth_score_thr = birth_score_thr
        self.augment_birth_score_thr = augment_birth_score_thr
        self.keep_score_thr = keep_score_thr
        self.mask_score_thr = mask_score_thr
        self.recover_iou_thr = recover_iou_thr
        self.recover_margin = recover_margin
        self.duplicate_iou_thr = duplicate_iou_thr
        self.num_frames_retain = num_frames_retain
        self.class_aware = class_aware
        self.union = union
        self.reset()

    def match(
        self,
        pro_boxes: Tensor,  # (P, 4) xyxy
        pro_labels: Tensor,  # (P,)
        det_boxes: Tensor,  # (D, 4) xyxy, the same pixels
        det_labels: Tensor,  # (D,)
        lost: Tensor | None = None,  # (P,) bool
    ) -> tuple[Tensor, Tensor]:
        """Optimal one-to-one pairs under c_ij = 1 - IoU (eq. (5)).

        Args:
            lost: Proposals of instances that were not seen in the frame before: they
                are assigned what the others leave. None: there are none.

        Returns:
            Rows of ``pro_boxes`` and of ``det_boxes``, (K,) long each.
        """
        iou = bbox_overlaps(pro_boxes.float(), det_boxes.float())
        allowed = iou > self.match_iou_thr
        if self.class_aware:
            allowed &= pro_labels[:, None] == det_labels[None]
        if lost is None or not lost.any():
            return gated_assignment(1 - iou, allowed)
        first = gated_assignment(1 - iou, allowed & ~lost[:, None])
        allowed[:, first[1]] = False
        then = gated_assignment(1 - iou, allowed & lost[:, None])
        return torch.cat([first[0], then[0]]), torch.cat([first[1], then[1]])

    def associate(
        self,
        pro_boxes: Tensor,  # (P, 4) xyxy
        pro_labels: Tensor,  # (P,)
        det_boxes: Tensor,  # (D, 4) xyxy, the same pixels
        det_labels: Tensor,  # (D,)
        lost: Tensor | None = None,  # (P,) bool, see :meth:`match`
    ) -> Candidates:
        """Unions, unmatched proposals and unmatched detections, in this order.

        Returns:
            Candidates whose boxes are in the pixels of those given.
        """
        pro_rows, det_rows = self.match(
            pro_boxes, pro_labels, det_boxes, det_labels, lost
        )
        alone = torch.ones(len(pro_boxes), dtype=torch.bool, device=pro_boxes.device)
        alone[pro_rows] = False
        fresh = torch.ones(len(det_boxes), dtype=torch.bool, device=det_boxes.device)
        fresh[det_rows] = False
        alone, fresh = alone.nonzero()[:, 0], fresh.nonzero()[:, 0]

        merged = pro_boxes[pro_rows]
        if self.union:
            other = det_boxes[det_rows].to(merged.dtype)
            merged = torch.cat(
                [
                    torch.minimum(merged[:, :2], other[:, :2]),
                    torch.maximum(merged[:, 2:], other[:, 2:]),
                ],
                dim=1,
            )
        counts = [len(pro_rows), len(alone), len(fresh)]
        nothing = pro_rows.new_full((1,), -1)
        return Candidates(
            boxes=torch.cat([merged, pro_boxes[alone], det_boxes[fresh]]),
            kinds=torch.repeat_interleave(
                torch.arange(3, device=pro_boxes.device),
                torch.tensor(counts, device=pro_boxes.device),
            ),
            track_rows=torch.cat([pro_rows, alone, nothing.expand(counts[2])]),
            det_rows=torch.cat([det_rows, nothing.expand(counts[1]), fresh]),
        )

    def survives(
        self,
        candidates: Candidates,
        scores: Tensor,  # (M,) of the final branch
        det_scores: Tensor,  # (D,)
    ) -> Tensor:
        """Which candidates are shown: births and deaths by score, (M,) bool."""
        known = candidates.track_rows >= 0
        detected = torch.zeros_like(scores)
        if len(det_scores):
            rows = candidates.det_rows.clamp(min=0)
            detected = torch.where(
                candidates.det_rows >= 0, det_scores[rows].to(scores.dtype), detected
            )
        born = (detected >= self.birth_score_thr) & (
            scores >= self.augment_birth_score_thr
        )
        return torch.where(known, scores >= self.keep_score_thr, born)

    def unique(
        self,
        kinds: Tensor,  # (M,)
        scores: Tensor,  # (M,)
        masks: Tensor | Crops,  # (M, h, w) bool, before they are made disjoint
    ) -> Tensor:
        """Keep one of the candidates that are one object, (M,) bool.

        Boxes would not do: the box of an occluded neighbour overlaps as much
        as a duplicate does, its mask does not. Classes are not compared: two
        masks that share most of their pixels are one object whatever they
        are called.
        """
        keep = torch.ones(len(kinds), dtype=torch.bool, device=kinds.device)
        if len(kinds) < 2:
            return keep
        iou = crop_iou(masks) if isinstance(masks, Crops) else mask_iou(masks, masks)
        same = (iou > self.duplicate_iou_thr).cpu().numpy()
        order = np.lexsort((-scores.cpu().numpy(), kinds.cpu().numpy()))
        kept: list[int] = []
        for row in order:
            if kept and same[row, kept].any():
                keep[int(row)] = False
            else:
                kept.append(int(row))
        return keep

    def recover(
        self,
        track_rows: Tensor,  # (S,) row of each shown instance, -1: birth
        boxes: Tensor,  # (S, 4) xyxy
        labels: Tensor,  # (S,)
        pro_boxes: Tensor,  # (P, 4) b^pro of all tracks, the same pixels
        pro_labels: Tensor,  # (P,)
    ) -> Tensor:
        """Let births go on with identities that would be lost, (S,) long.

        A box that was propagated badly, or lies where the object was before it was
        hidden, is refused by the augment branch while the object itself is found
        near by and looks new. What is left on both sides is paired once more, by
        the IoU of widened boxes (the idea of C-BIoU, WACV 2023), always within a
        class: the box and mask of the birth are those of its class.

        Returns:
            ``track_rows`` with the row of the identity in place of some -1.
        """
        unseen = torch.ones(len(pro_boxes), dtype=torch.bool, device=boxes.device)
        unseen[track_rows[track_rows >= 0]] = False
        unseen, births = unseen.nonzero()[:, 0], (track_rows < 0).nonzero()[:, 0]
        iou = bbox_overlaps(
            self._widened(pro_boxes[unseen]), self._widened(boxes[births])
        )
        near = iou > self.recover_iou_thr
        near &= pro_labels[unseen][:, None] == labels[births][None]
        # one good pair is worth more than two poor ones
        rows, columns = gated_assignment(1 - iou, near, alone=1.0)
        found = track_rows.clone()
        found[births[columns]] = unseen[rows]
        return found

    def _widened(self, boxes: Tensor) -> Tensor:
        margin = self.recover_margin * (boxes[:, 2:] - boxes[:, :2]).float()
        return torch.cat([boxes[:, :2] - margin, boxes[:, 2:] + margin], dim=1)

    def update(
        self,
        tracks: Tracks,
        next_id: int,
        track_rows: Tensor,  # (S,) row of each shown instance, -1: birth
        boxes: Tensor,  # (S, 4) final box, the pixels of ``tracks``
        probs: Tensor,  # (S, C) class probabilities
        scores: Tensor,  # (S,)
        img_shape: tuple[int, int],
    ) -> tuple[Tracks, Tensor, int]:
        """Carry the table of tracks over one frame.

        Returns:
            The new table (the shown instances first, in their order, then
            the lost ones), the identities of the shown instances (S,), and
            the next free identity.
        """
        known = track_rows >= 0
        born = ~known
        ids = torch.zeros_like(track_rows)
        ids[known] = tracks.ids[track_rows[known]]
        ids[born] = next_id + torch.arange(int(born.sum()), device=ids.device)

        sums = probs.clone()
        sums[known] += tracks.class_probs[track_rows[known]].to(probs.dtype)
        motion = Motion.start(boxes)
        old = tracks[track_rows[known]]
        moved = old.motion.seen(boxes[known], old.boxes.to(boxes.dtype), old.ages == 0)
        motion.sizes[known] = moved.sizes.to(boxes.dtype)
        motion.velocities[known] = moved.velocities.to(boxes.dtype)
        shown = Tracks(ids, boxes, sums, scores, torch.zeros_like(ids), motion)

        unseen = torch.ones(len(tracks), dtype=torch.bool, device=ids.device)
        unseen[track_rows[known]] = False
        lost = tracks[unseen & (tracks.ages < self.num_frames_retain)]
        whole = torch.where(
            (lost.ages == 0)[:, None], lost.motion.whole(lost.boxes), lost.boxes
        )
        lost.boxes = move_on(whole, lost.motion.known(), img_shape)
        lost.ages = lost.ages + 1
        return Tracks.cat([shown, lost]), ids, next_id + int(born.sum())

    def reset(self, next_id: int = 1) -> None:
        """Forget the video of :meth:`track`.

        Args:
            next_id: First identity to give; larger than 1 after a gap within a
                video, whose identities are not given again.
        """
        self._tracks: Tracks | None = None
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
        """MMDetection's and MMTracking's tracker interface, frame by frame.

        Boxes alone are compared, so a detector without masks is linked in the
        same way; whatever fields the detections have stay with them. Detections
        keep their boxes and a known instance that is not detected is not shown:
        ``union``, ``duplicate_iou_thr``, ``augment_birth_score_thr`` and
        ``mask_score_thr`` belong to VAE-VIST and do nothing here.

        Args:
            model: The host model; not used.
            feats: The frame's features; not used.
            data_sample: Holds ``pred_instances``, in MMTracking
                ``pred_det_instances`` (boxes in original pixels), and the frame's
                metainfo; ``frame_id`` 0 starts a new video.

        Returns:
            The instances that have an identity, with ``instances_id``.
        """
        if data_sample is None:
            raise ValueError('track() needs a data_sample with pred_instances')
        pred = data_sample.get('pred_det_instances')
        if pred is None:
            pred = data_sample.pred_instances
        if data_sample.metainfo.get('frame_id', 0) == 0:
            self.reset()
        labels = pred.labels.long()
        if self._tracks is None:
            self._tracks = Tracks.empty(1, pred.bboxes.device)
        tracks = self._tracks
        width = max(
            tracks.class_probs.shape[1], int(labels.max()) + 1 if len(labels) else 1
        )
        if width > tracks.class_probs.shape[1]:
            missing = width - tracks.class_probs.shape[1]
            tracks.class_probs = torch.nn.functional.pad(
                tracks.class_probs, (0, missing)
            )

        pred = pred[pred.scores >= self.match_score_thr]
        labels = pred.labels.long()
        candidates = self.associate(
            tracks.boxes, tracks.labels, pred.bboxes, labels, tracks.lost
        )
        candidates = candidates[candidates.det_rows >= 0]
        scores = pred.scores[candidates.det_rows]
        needed = torch.where(
            candidates.track_rows < 0,
            scores.new_tensor(self.birth_score_thr),
            scores.new_tensor(self.keep_score_thr),
        )
        candidates, scores = candidates[scores >= needed], scores[scores >= needed]
        result = pred[candidates.det_rows]
        track_rows = self.recover(
            candidates.track_rows,
            result.bboxes,
            result.labels.long(),
            tracks.boxes,
            tracks.labels,
        )
        probs = torch.zeros(len(result), width, device=scores.device)
        probs[torch.arange(len(result)), result.labels.long()] = scores.float()
        self._tracks, ids, self._next_id = self.update(
            tracks,
            self._next_id,
            track_rows,
            result.bboxes,
            probs,
            scores,
            tuple(data_sample.metainfo['ori_shape'][:2]),
        )
        result.instances_id = ids
        return result
