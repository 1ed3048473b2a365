"""Linking of detections by their association vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmvist.models.trackers.assignment import gated_assignment
from mmvist.registry import MODELS

PerClass = float | Sequence[float]
"""One number for all classes, or one for each."""


@MODELS.register_module()
class AssociationTracker(BaseModule):
    """Hungarian matching of each class by Euclidean distance.

    A track is represented by the vector of its last detection, and forgotten when it
    has not been seen for ``num_frames_retain`` frames: one row a track is all that is
    kept.

    Args:
        score_thr: gamma, the least score of a detection.
        max_distance: The gate; pairs at or above it never match.
        num_frames_retain: beta; a track may be found again at most so many frames
            after it was seen last. 1: in the next frame alone.
        min_area: Masks of so many original pixels or fewer are dropped.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        score_thr: PerClass = 0.5,
        max_distance: PerClass = 8.0,
        num_frames_retain: PerClass = 5,
        min_area: int = 10,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.score_thr = score_thr
        self.max_distance = max_distance
        self.num_frames_retain = num_frames_retain
        self.min_area = min_area
        self.reset()

    def reset(self, next_id: int = 1) -> None:
        """Forget the video.

        Args:
            next_id: First identity to give; larger than 1 after a gap within a
                video, whose identities are not given again.
        """
        self.next_id = next_id
        self.ids: Tensor | None = None

    def __len__(self) -> int:
        """Number of tracks that are remembered."""
        return 0 if self.ids is None else len(self.ids)

    def confident(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Which of N detections are sure enough, (N,) bool."""
        return scores >= _of_class(self.score_thr, labels)

    def large(self, masks: Tensor) -> Tensor:
        """Which of (N, H, W) bool masks are large enough, (N,) bool."""
        return masks.flatten(1).sum(dim=1) > self.min_area

    def link(
        self,
        embeddings: Tensor,  # (N, E)
        labels: Tensor,  # (N,)
        frame_id: int,
    ) -> Tensor:
        """Identities of the detections of a frame, (N,) long.

        Args:
            embeddings: Their association vectors.
            labels: Their classes.
            frame_id: Position in the video; larger than in the call before.
        """
        embeddings, labels = embeddings.detach().float(), labels.long()
        if self.ids is None:
            self._remember(labels[:0], labels[:0], embeddings[:0], labels[:0])
        ages = frame_id - self.last_seen
        self._keep(ages <= _of_class(self.num_frames_retain, self.labels))

        distances = torch.cdist(
            self.embeddings, embeddings, compute_mode='donot_use_mm_for_euclid_dist'
        )
        allowed = self.labels[:, None] == labels[None]
        allowed &= distances < _of_class(self.max_distance, labels)
        rows, columns = gated_assignment(distances, allowed)

        ids = torch.zeros_like(labels)
        ids[columns] = self.ids[rows]
        new = ids == 0
        count = int(new.sum())
        ids[new] = self.next_id + torch.arange(count, device=ids.device)
        self.next_id += count

        unseen = torch.ones(len(self.ids), dtype=torch.bool, device=ids.device)
        unseen[rows] = False
        self._keep(unseen)
        self._remember(
            torch.cat([self.ids, ids]),
            torch.cat([self.labels, labels]),
            torch.cat([self.embeddings, embeddings]),
            torch.cat([self.last_seen, torch.full_like(ids, frame_id)]),
        )
        return ids

    def _remember(
        self, ids: Tensor, labels: Tensor, embeddings: Tensor, last_seen: Tensor
    ) -> None:
        self.ids, self.labels = ids, labels
        self.embeddings, self.last_seen = embeddings, last_seen

    def _keep(self, rows: Tensor) -> None:
        self._remember(
            self.ids[rows],
            self.labels[rows],
            self.embeddings[rows],
            self.last_seen[rows],
        )


def _of_class(value: PerClass, labels: Tensor) -> Tensor:
    """The number of each label, (N,)."""
    if isinstance(value, Sequence):
        return torch.as_tensor(value, device=labels.device)[labels]
    return torch.full(labels.shape, value, device=labels.device)
