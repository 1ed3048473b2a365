"""Mask R-CNN with IoU linking: the floor of every comparison.

The detector of VAE-VIST alone, trained on the same samples; its masks are
linked from frame to frame without a network's help: by the IoU tracker that the
paper compares with (``IoUTracker``), or by the very matching of VAE-VIST
(``IoUHungarianTracker``).
"""

from __future__ import annotations

import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import DetDataSample, TrackDataSample, TrackSampleList
from torch import Tensor

from mmvist.models.detectors import frame_detector
from mmvist.registry import MODELS
from mmvist.structures.clip import Frame
from mmvist.structures.exclusive import exclusive_instances
from mmvist.structures.hosts import Inputs, unpack_clip, unpack_frames

from .held_video import HeldVideo


@MODELS.register_module()
class MaskRCNNIoU(BaseMOTModel):
    """Detect and segment each frame, then link by IoU.

    Args:
        detector: Config of a MMDetection detector with masks: two-stage, or
            single-stage such as RTMDet-Ins.
        tracker: Config of a tracker with MMDetection's ``track`` interface. One
            that says ``offline`` judges a track when its video is over.
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
        self._held = HeldVideo()

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
            masks (M, H, W) bool are disjoint, the better score first. With an
            offline tracker nothing is known of a frame before its video is over:
            the sample is empty until the last frame comes, then it holds them all,
            masks as run-length codes.
        """
        offline = getattr(self.tracker, 'offline', False)
        released: list[DetDataSample] = []
        for frame, sample in unpack_frames(inputs, data_samples):
            if self._starts_video(frame) and len(self._held):
                # the video before broke off
                released += self._held.release(self.tracker.finished)
            self._follow(frame)
            found = self.detector.predict(frame.image, [sample])[0]
            sample.pred_instances = found.pred_instances
            result = self.tracker.track(model=self, feats=None, data_sample=sample)
            if not offline:
                sample.pred_track_instances = exclusive_instances(result)
                continue
            sample.pred_track_instances = result
            self._held.add(sample)
            if self._held.complete:
                released += self._held.release(self.tracker.finished)
        if not offline:
            return data_samples
        if not released:
            return [TrackDataSample()]
        return [TrackDataSample(video_data_samples=released)]

    def _starts_video(self, frame: Frame) -> bool:
        return (
            self._last is None or self._last[0] != frame.video_id or frame.frame_id == 0
        )

    def _follow(self, frame: Frame) -> None:
        """Start anew where the frame does not follow the last one."""
        if self._starts_video(frame):
            self.tracker.reset()
        elif self._last[1] != frame.frame_id - 1:
            self.tracker.reset(self.tracker.next_id)
        self._last = (frame.video_id, frame.frame_id)
