"""TrackR-CNN: Mask R-CNN with 3D convolutions and association vectors.

"MOTS: Multi-Object Tracking and Segmentation", CVPR 2019, section 4. What differs:
the detector is MMDetection's, usually with an FPN (:class:`TemporalConvs` says where
the 3D convolutions stand then), association vectors in testing are those of the final
boxes instead of the proposals, and no frame loses its context at the edge of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import DetDataSample, TrackDataSample, TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.models.any_layout import read_any_layout
from mmvist.models.detectors import frame_detector
from mmvist.models.segmentation import segment
from mmvist.registry import MODELS
from mmvist.structures.clip import Frame
from mmvist.structures.hosts import unpack_frames
from mmvist.structures.masks import disjoint_masks

from .association_roi_head import AssociationRoIHead
from .frame_window import FrameWindow


@MODELS.register_module()
class TrackRCNN(BaseMOTModel):
    """Detect with temporal context, embed, link by distance.

    1. backbone maps of each frame;
    2. :class:`TemporalConvs` over the frames of a clip;
    3. neck, RPN, class, box and mask heads of each frame;
    4. :class:`AssociationRoIHead`: an association vector for each RoI;
    5. :class:`AssociationTracker`: identities;
    6. disjoint masks, the better score first.

    Args:
        detector: Config of a MMDetection two-stage detector whose ``roi_head`` is a
            ``mmvist.AssociationRoIHead``.
        temporal_convs: Config of the 3D convolutions.
        tracker: Config of the linking.
        supervised_frames: Frames of each training clip, drawn at random, that RPN and
            heads learn from, the others being context alone. None: all of them, as in
            the original. A small number gives a step of few frames whole clips.
        data_preprocessor: Config of MMDetection's ``TrackDataPreprocessor``.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: The detector has no such ``roi_head``, or ``supervised_frames`` is
            under 1.
    """

    def __init__(
        self,
        detector: dict,
        temporal_convs: dict,
        tracker: dict,
        supervised_frames: int | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if supervised_frames is not None and supervised_frames < 1:
            raise ValueError(
                f'supervised_frames is at least 1, or None, got {supervised_frames}'
            )
        self.detector = MODELS.build(detector)
        roi_head = getattr(self.detector, 'roi_head', None)
        if not isinstance(roi_head, AssociationRoIHead) or not roi_head.with_mask:
            raise ValueError(
                'the roi_head of the detector of TrackRCNN is a '
                'mmvist.AssociationRoIHead with masks, got '
                f'{type(roi_head).__name__}'
            )
        self.frame_detector = frame_detector(self.detector)
        self.temporal_convs = MODELS.build(temporal_convs)
        self.tracker = MODELS.build(tracker)
        self.supervised_frames = supervised_frames
        self._window = FrameWindow(self.temporal_convs.context)
        # crops for masks come with the channels innermost
        read_any_layout(roi_head)

    def _features(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self.detector.neck(maps) if self.detector.with_neck else maps

    # ---------------------------------------------------------------- training

    def loss(
        self,
        inputs: Tensor,  # (N, T, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> dict[str, Tensor]:
        """The detector's losses, and ``loss_association``.

        Args:
            inputs: N clips of T consecutive frames.
            data_samples: N samples of T frames with ``gt_instances``.
        """
        count, length = inputs.shape[:2]
        maps = self.detector.backbone(inputs.flatten(0, 1))
        maps = self.temporal_convs(maps, length)
        rows = self._supervised(count, length)
        samples = [sample for clip in data_samples for sample in clip]
        features = self._features(tuple(level[rows] for level in maps))
        return self.frame_detector.loss(features, [samples[row] for row in rows])[0]

    def _supervised(self, count: int, length: int) -> list[int]:
        """Rows of the frames to learn from, among those of ``count`` clips."""
        number = min(self.supervised_frames or length, length)
        drawn = [torch.randperm(length)[:number].sort()[0] for _ in range(count)]
        return [
            clip * length + frame
            for clip, frames in enumerate(drawn)
            for frame in frames.tolist()
        ]

    # ----------------------------------------------------------------- testing

    @torch.no_grad()
    def predict(
        self,
        inputs: Tensor,  # (1, T, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> TrackSampleList:
        """Track one video, whole or in pieces, such as frame by frame.

        A frame's result depends on the frames around it, so that it comes when those
        have come, or the video ends (``ori_video_length`` of the samples): what is
        returned are the frames that are ready now, in order, maybe none, maybe some
        of an earlier call. However a video is cut, each frame gets the same result
        once. Where the length is not known, or said to end with the frame as with a
        camera, results come at once and without the frames to come.

        Returns:
            One sample of the frames that are ready, empty where none is, their
            ``pred_track_instances`` in original pixels: ``bboxes``, ``labels``,
            ``scores``, ``masks`` (M, H, W) bool, disjoint, and ``instances_id``.

        Raises:
            ValueError: More than one video in a batch, or of frames of two sizes.
        """
        ready: list[DetDataSample] = []
        window = self._window
        for frame, sample in unpack_frames(inputs, data_samples):
            if not window.follows(frame):
                ready += self._start_anew(frame)
            window.push(frame, sample, self.detector.backbone(frame.image))
            ready += self._finish(window.ends_here())
        # MMDetection's sample refuses an empty list of frames.
        frames = dict(video_data_samples=ready) if ready else {}
        return [TrackDataSample(**frames)]

    def _start_anew(self, frame: Frame) -> list[DetDataSample]:
        """Frames of a video that broke off, which will wait no longer."""
        last = self._window.last
        same_video = last is not None and last.video_id == frame.video_id
        again = same_video and frame.frame_id == 0
        left = [] if again else list(self._finish(ended=True))
        self._window.clear()
        self.tracker.reset(self.tracker.next_id if same_video and not again else 1)
        return left

    def _finish(self, ended: bool) -> Iterator[DetDataSample]:
        frames = self._window.frames
        for position in self._window.ready(ended):
            maps = self.temporal_convs.at([held.maps for held in frames], position)
            held = frames[position]
            held.sample.pred_track_instances = self._track(
                self._features(maps), held.metainfo, held.frame_id
            )
            yield held.sample

    def _track(
        self, features: tuple[Tensor, ...], metainfo: dict, frame_id: int
    ) -> InstanceData:
        """Steps 3 to 6 of one frame."""
        found = self.frame_detector.detect(features, [metainfo])[0]
        found = found[self.tracker.confident(found.scores, found.labels)]
        roi_head = self.detector.roi_head
        found.embeddings = roi_head.embed(features, [found.bboxes])
        result = segment([(roi_head, features)], found.bboxes, found.labels, metainfo)
        shown = InstanceData(
            bboxes=result.boxes,
            labels=found.labels,
            scores=found.scores,
            masks=result.masks.dense(dtype=torch.bool, device=found.bboxes.device),
        )
        large = self.tracker.large(shown.masks)
        found, shown = found[large], shown[large]
        shown.instances_id = self.tracker.link(found.embeddings, found.labels, frame_id)
        shown.masks = disjoint_masks(shown.masks, shown.scores)
        return shown[shown.masks.flatten(1).any(dim=1)]
