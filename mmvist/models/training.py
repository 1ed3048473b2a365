"""Training samples that look like those of testing.

At test time Lambda_{t-1} and b_{t-1} are the model's own and imperfect, and
the augment branch sees detections, propagated boxes and their unions. Here the
truth is damaged to match, and candidates are made by the tracker that tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.structures.clip import Clip, KnownInstances
from mmvist.structures.combined_mask import combined_mask, damage_masks, jitter_boxes

from .ghosts import with_ghosts
from .trackers import PROPAGATED, IoUHungarianTracker


@dataclass
class KnownSample:
    """The damaged past of one training sample.

    Attributes:
        combined_mask: Lambda_{t-1}, (1, H, W).
        labels: Classes of the M known instances, (M,).
        ids: Their identities, (M,).
        lost: Which of them were not seen at t-1, (M,) bool.
        boxes: b_{t-1}, jittered J times, (J * M, 4) xyxy, network pixels; the
            first M go on to the augment branch.
        targets: b_t of the same identity, (J * M, 4); zeros where it is gone.
        visible: Whether the identity is there at t, (J * M,) bool.
    """

    combined_mask: Tensor
    labels: Tensor
    ids: Tensor
    lost: Tensor
    boxes: Tensor
    targets: Tensor
    visible: Tensor


class TrainingSamples(nn.Module):
    """Damage of the past, and candidates of the augment branch.

    Args:
        tracker: The matching that tests.
        num_classes: C.
        mask_weights: Of :func:`combined_mask`.
        drop_prob: An instance of t-1 is unknown with this probability.
        mask_shift: Of :func:`damage_masks`.
        mask_scale: Of :func:`damage_masks`.
        mask_rotate: Of :func:`damage_masks`.
        ghost_prob: With this probability an instance of t-1 has a ghost: its mask and
            box elsewhere in the frame, known like an instance and there no more. False
            identities look like that in testing, and a detector that knows its training
            clips by heart makes none.
        box_jitter: Largest move of centre and side, in box sides.
        num_jitters: How often each b_{t-1} is jittered for the proposal loss:
            a frame holds few instances, and RoIs cost little beside maps.
        candidate_score_thr: Detections from this score on are candidates.
        start_iters: RPN boxes and truth are candidates too for so many
            iterations, until the branch has something to learn from.
        num_start_boxes: How many RPN boxes then.
    """

    def __init__(
        self,
        tracker: IoUHungarianTracker,
        num_classes: int,
        mask_weights: str = 'class',
        drop_prob: float = 0.1,
        mask_shift: float = 0.05,
        mask_scale: float = 0.025,
        mask_rotate: float = 3.0,
        ghost_prob: float = 0.0,
        box_jitter: float = 0.1,
        num_jitters: int = 8,
        candidate_score_thr: float = 0.05,
        start_iters: int = 1000,
        num_start_boxes: int = 64,
    ) -> None:
        super().__init__()
        # In a tuple: the tracker is a module of the model already.
        self._tracker = (tracker,)
        self.num_classes = num_classes
        self.mask_weights = mask_weights
        self.drop_prob = drop_prob
        self.mask_shift = mask_shift
        self.mask_scale = mask_scale
        self.mask_rotate = mask_rotate
        self.ghost_prob = ghost_prob
        self.box_jitter = box_jitter
        self.num_jitters = num_jitters
        self.candidate_score_thr = candidate_score_thr
        self.start_iters = start_iters
        self.num_start_boxes = num_start_boxes
        # In the checkpoint, so that a resumed run goes on where it stopped.
        self.register_buffer('iters', torch.zeros((), dtype=torch.long))

    def advance(self) -> None:
        """Count an iteration."""
        self.iters += 1

    def known(self, clip: Clip) -> list[KnownSample]:
        """Damage the past of each of the N clips; see :class:`KnownSample`."""
        return [
            self._known_sample(one, sample)
            for one, sample in zip(clip.known, clip.data_samples)
        ]

    def _known_sample(
        self, known: KnownInstances, sample: DetDataSample
    ) -> KnownSample:
        kept = torch.rand(len(known)).to(known.boxes.device) >= self.drop_prob
        known = known[kept]
        if self.ghost_prob:
            known = with_ghosts(known, self.ghost_prob, sample.img_shape)
        live = known[known.ages == 0]
        masks = damage_masks(
            live.masks, live.boxes, self.mask_shift, self.mask_scale, self.mask_rotate
        )
        # A damaged mask stands in for a prediction; its score is unknown.
        scores = torch.ones(len(live), device=masks.device)
        image = combined_mask(
            masks, live.labels, self.num_classes, self.mask_weights, scores
        )
        truth = sample.gt_instances
        same = known.ids[:, None] == truth.instances_ids[None]
        visible = same.any(dim=1)
        targets = known.boxes.new_zeros(len(known), 4)
        rows, columns = same.nonzero(as_tuple=True)
        targets[rows] = truth.bboxes[columns].float()
        copies = self.num_jitters
        boxes = jitter_boxes(
            known.boxes.repeat(copies, 1), self.box_jitter, self.box_jitter
        )
        # Boxes of shown instances are clipped in testing, those of lost are not.
        height, width = sample.img_shape[:2]
        inside = boxes.clamp(min=0).minimum(boxes.new_tensor([width, height] * 2))
        boxes = torch.where((known.ages == 0).repeat(copies)[:, None], inside, boxes)
        return KnownSample(
            combined_mask=image,
            labels=known.labels,
            ids=known.ids,
            lost=known.ages > 0,
            boxes=boxes,
            targets=targets.repeat(copies, 1),
            visible=visible.repeat(copies),
        )

    def candidates(
        self,
        propagated: Tensor,  # (M, 4) b^pro_t, network pixels
        known: KnownSample,
        detections: InstanceData,
        proposals: InstanceData,
        sample: DetDataSample,
    ) -> Tensor:
        """RoIs of the augment branch for one frame, (R, 4) network pixels.

        Strong detections and propagated boxes go through the matching of test
        time; weak detections stay as they are and give negatives. A
        propagated box that lies on another identity is left out: its region
        holds an object, yet not its own.
        """
        tracker = self._tracker[0]
        truth = sample.gt_instances
        strong = detections.scores >= tracker.match_score_thr
        matched = tracker.associate(
            propagated,
            known.labels,
            detections.bboxes[strong],
            detections.labels[strong],
            known.lost,
        )
        alone = (matched.kinds == PROPAGATED).nonzero()[:, 0]
        keep = torch.ones(len(matched), dtype=torch.bool, device=propagated.device)
        if len(alone) and len(truth.bboxes):
            iou, owner = bbox_overlaps(matched.boxes[alone], truth.bboxes.float()).max(
                1
            )
            own = truth.instances_ids[owner] == known.ids[matched.track_rows[alone]]
            keep[alone] = own | (iou < 0.5)
        boxes = [matched.boxes[keep], detections.bboxes[~strong]]
        if self.iters < self.start_iters:
            boxes += [proposals.bboxes[: self.num_start_boxes], truth.bboxes.float()]
        boxes = torch.cat(boxes)
        if len(boxes) == 0:
            height, width = sample.img_shape[:2]
            boxes = boxes.new_tensor([[0.0, 0.0, width, height]])
        return boxes
