"""MaskTrack R-CNN with what MMDetection's port changed or forgot mended.

"Video Instance Segmentation" (ICCV 2019). The other differences from the port are
options of :class:`~mmvist.models.RoIEmbedHead` (activation, loss), of
:class:`~mmvist.models.MaskTrackRCNNTracker` (memory, claims) and of the configs
(where the reference frame is drawn, thresholds of testing).
"""

from __future__ import annotations

import torch
from mmdet.models.vis import MaskTrackRCNN as _MaskTrackRCNN
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.models.detectors import frame_detector
from mmvist.registry import MODELS
from mmvist.structures.exclusive import exclusive_instances


@MODELS.register_module()
class MaskTrackRCNN(_MaskTrackRCNN):
    """MMDetection's model, its results disjoint and its identities unique.

    Args:
        class_free_rpn: Train the RPN to tell objects from background. The port
            hands it the classes of the objects, of which it knows one: those of
            every class but the first are trained as background.
        show_score_thr: Instances under it are tracked, but not shown. Not part of
            the original, whose measure, AP, ranks by score; sMOTSA counts every
            false positive.
        **kwargs: Of the parent.
    """

    def __init__(
        self,
        class_free_rpn: bool = True,
        show_score_thr: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.class_free_rpn = class_free_rpn
        self.show_score_thr = show_score_thr
        self.frame_detector = frame_detector(self.detector)
        self._video_id: object = None

    def loss(
        self,
        inputs: Tensor,  # (N, 2, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> dict[str, Tensor]:
        """The detector's losses on the key frame, and that of the track head."""
        if not self.class_free_rpn:
            return super().loss(inputs, data_samples, **kwargs)
        rows = torch.arange(len(inputs))
        keys = [one.key_frames_inds[0] for one in data_samples]
        refs = [one.ref_frames_inds[0] for one in data_samples]
        features = self.detector.extract_feat(inputs[rows, keys])
        ref_features = self.detector.extract_feat(inputs[rows, refs])
        samples = [one.get_key_frames()[0] for one in data_samples]
        losses, proposals = self.frame_detector.loss(features, samples)
        given = [InstanceData(priors=one.bboxes) for one in proposals]
        losses.update(self.track_head.loss(features, ref_features, given, data_samples))
        return losses

    @torch.no_grad()
    def predict(
        self,
        inputs: Tensor,  # (1, T, 3, H, W)
        data_samples: TrackSampleList,
        rescale: bool = True,
        **kwargs: object,
    ) -> TrackSampleList:
        """Track one video, whole or frame by frame.

        Returns:
            The data samples with ``pred_track_instances``, original pixels:
            ``bboxes``, ``labels``, ``scores``, ``masks`` (M, H, W) bool, disjoint,
            and ``instances_id``, each once.
        """
        video_id = data_samples[0][0].metainfo.get('video_id', 0)
        if video_id != self._video_id:
            # the parent starts anew with frame 0, wherever a video begins
            self.tracker.reset()
            self._video_id = video_id
        tracked = super().predict(inputs, data_samples, rescale, **kwargs)
        for sample in tracked[0]:
            found = sample.pred_track_instances
            # the host numbers its first ones on the CPU
            found.instances_id = found.instances_id.to(found.scores.device)
            shown = found.scores >= self.show_score_thr
            sample.pred_track_instances = exclusive_instances(found[shown])
        return tracked
