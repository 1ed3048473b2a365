"""The tracker of MaskTrack R-CNN, as its authors published it.

"Video Instance Segmentation" (ICCV 2019), section 4.2. MMDetection's port differs
in what it remembers and in who keeps an identity that two detections claim; each
difference is an option here.
"""

from __future__ import annotations

import math

from mmdet.models.trackers import MaskTrackRCNNTracker as _MaskTrackRCNNTracker
from torch import Tensor

from mmvist.registry import MODELS

_REMEMBERED = ('ids', 'bboxes', 'labels', 'roi_feats', 'frame_ids')
"""What the match score reads; the host keeps scores and masks besides."""


@MODELS.register_module()
class MaskTrackRCNNTracker(_MaskTrackRCNNTracker):
    """MMDetection's tracker with the memory and the claims of the original.

    Of each identity the last box and RoI features, (C, 7, 7), and a label are
    kept, whatever the length of the video; the host keeps those and the mask of
    every frame in which a live identity was seen. Without an expiry the number of
    identities itself is only bounded by the video.

    Args:
        match_weights: Weights of ``det_score``, ``iou`` and ``det_label`` in the
            match score, 1, 2 and 10 by default.
        num_frames_retain: Frames for which an identity that is not seen is kept;
            None: for the whole video, as in the original. The port has 20.
        clear_losers: Of several detections that claim one identity the best match
            keeps it and the others are dropped. The port leaves the identity with
            a worse one too, if that comes first in the list.
        update_labels: Compare with the label of the last frame, as the port does;
            the original compares with that of the first.
    """

    def __init__(
        self,
        match_weights: dict | None = None,
        num_frames_retain: int | None = None,
        clear_losers: bool = True,
        update_labels: bool = False,
    ) -> None:
        if match_weights is None:
            match_weights = dict(det_score=1.0, iou=2.0, det_label=10.0)
        retain = math.inf if num_frames_retain is None else num_frames_retain
        super().__init__(match_weights=match_weights, num_frames_retain=retain)
        self.clear_losers = clear_losers
        self.update_labels = update_labels

    def assign_ids(
        self,
        match_scores: Tensor,  # (N, 1 + M): new, then each identity of the memory
    ) -> tuple[Tensor, Tensor]:
        """Identities of N detections, -1 for one that is dropped.

        Returns:
            Identities (N,), and the best match score of each of the M.
        """
        ids, best = super().assign_ids(match_scores)
        if self.clear_losers:
            # an identity only passes on to a better match: the last has it
            claimed = ids.tolist()
            for row, one in enumerate(claimed):
                if one in claimed[row + 1 :]:
                    ids[row] = -1
        return ids, best

    def update(self, **kwargs: Tensor | int) -> None:
        """Remember the instances of a frame; see the parent."""
        super().update(**{name: kwargs[name] for name in _REMEMBERED})

    def init_track(self, id: int, obj: tuple[Tensor, ...]) -> None:
        """Remember a new identity; see the parent."""
        # a view would keep the features of the whole frame alive
        super().init_track(id, tuple(value.clone() for value in obj))

    def update_track(self, id: int, obj: tuple[Tensor, ...]) -> None:
        """Replace what is known of an identity."""
        label = self.tracks[id]['labels']
        self.init_track(id, obj)
        if not self.update_labels:
            self.tracks[id]['labels'] = label
