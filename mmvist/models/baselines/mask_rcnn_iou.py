"""Mask R-CNN with IoU linking: the floor of every comparison.

The detector of VAE-VIST alone, trained on the same samples; its masks are
linked from frame to frame by the same matching, without a network's help.
"""

from __future__ import annotations

import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.models.detectors import frame_detector
from mmvist.registry import MODELS
from mmvist.structures.hosts import Inputs, unpack_clip, unpack_frames
from mmvist.structures.masks import disjoint_masks


@MODELS.register_module()
class MaskRCNNIoU(BaseMOTModel):
    """Detect and segment each frame, then link by IoU.

    Args:
        detector: Config of a MMDetection detector with masks: two-stage, or
            single-stage such as RTMDet-Ins.
        tracker: Config of a tracker with MMDetection's ``track`` interface.
        data_preprocessor: Config of MMDetection's ``TrackDataPreprocessor``.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        detector: dict,
        tracker: dict,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.detector = MODELS.build(detector)
        self.frame_detector = frame_detector(self.detector)
        self.tracker = MODELS.build(tracker)
        self._last: tuple[object, int] | None = None

    def loss(
        self,
        inputs: Inputs,  # (N, 3, 3, H, W), as VAEVIST takes it
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> dict[str, Tensor]:
        """The detector's losses on F_t."""
        clip = unpack_clip(inputs, data_samples)
        features = self.detector.extract_feat(clip.frame)
        return self.frame_detector.loss(features, clip.data_samples)[0]

    @torch.no_grad()
    def predict(
        self,
        inputs: Inputs,  # (1, T, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> TrackSampleList:
        """Track one video, whole or frame by frame.

        Returns:
            The data samples with ``pred_track_instances``, original pixels;
            masks are disjoint, the better score first.
        """
        for frame, sample in unpack_frames(inputs, data_samples):
            here = (frame.video_id, frame.frame_id)
            if self._last is None or self._last[0] != here[0] or here[1] == 0:
                self.tracker.reset()
            elif self._last[1] != here[1] - 1:
                self.tracker.reset(self.tracker.next_id)
            self._last = here
            found = self.detector.predict(frame.image, [sample])[0]
            sample.pred_instances = found.pred_instances
            sample.pred_track_instances = self._link(sample)
        return data_samples

    def _link(self, sample: object) -> InstanceData:
        result = self.tracker.track(model=self, feats=None, data_sample=sample)
        result.masks = disjoint_masks(result.masks, result.scores)
        return result[result.masks.flatten(1).any(dim=1)]
