"""VAE-VIST in testing: one frame after the other, what is known kept between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.structures.clip import Frame
from mmvist.structures.combined_mask import combined_mask
from mmvist.structures.crop_rle import encode_crops
from mmvist.structures.crops import Crops, disjoint_crops
from mmvist.structures.exclusive import Rle
from mmvist.structures.hosts import Inputs, unpack_frames
from mmvist.structures.track_state import VideoState, running_labels

from .augment import Refined, refine
from .encoding import Encoding
from .sampling import AugmentMaps, of_known, variance
from .segmentation import segment


class OnlineTracking:
    """The testing of :class:`VAEVIST`, whose parts and options it uses."""

    _state: VideoState | None = None

    @property
    def state(self) -> VideoState | None:
        """The state after the frame that :meth:`predict` saw last."""
        return self._state

    def predict(
        self,
        inputs: Inputs,  # (1, T, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> TrackSampleList:
        """Track the frames of one video, one after the other.

        The state is kept between calls: a video may come whole or frame by
        frame. A frame that does not follow the last one starts anew.

        In a frame whose sample is ``unreadable``, see
        :class:`~mmvist.datasets.LoadFrame`, nothing is shown.

        Returns:
            The data samples with ``pred_track_instances``, original pixels:
            ``bboxes``, ``labels``, ``scores``, ``masks``, ``instances_id``
            and ``kinds``.

        Raises:
            ValueError: More than one video in a batch.
        """
        for frame, sample in unpack_frames(inputs, data_samples):
            unreadable = sample.metainfo.get('unreadable')
            track = self.pass_over if unreadable else self.step
            sample.pred_track_instances, self._state = track(frame, self._state)
        return data_samples

    @torch.no_grad()
    def step(
        self, frame: Frame, state: VideoState | None
    ) -> tuple[InstanceData, VideoState]:
        """Track one frame.

        Args:
            frame: The frame F_t.
            state: What was returned for F_{t-1}; None at the start. The state
                of another video, or of a frame that is not t-1, is not used,
                but an identity is not given twice within a video.

        Returns:
            The instances of t, in original pixels: ``bboxes`` (M, 4) xyxy,
            ``labels``, ``scores``, ``instances_id``, ``kinds`` (0 matched, 1
            propagated, 2 detected alone: new, or recovered by an identity),
            ``masks`` (``mask_format``), disjoint; and the state after t, boxes in
            network pixels. With ``num_samples`` from 2 on also ``mask_probs`` and
            ``mask_variances`` (M, H, W) half, mean and variance over the draws of
            the probability of each pixel, before masks are made disjoint; and
            ``box_variances`` (M, 4), that of x1, y1, x2, y2 of the propagated box,
            over the draws and, with a ``proposal_head`` that learns it, given each
            of them, in square pixels, NaN of kind 2, which has none.

        Raises:
            ValueError: The frame has another input size than the one before.
        """
        state = VideoState.before(frame, state, self.num_classes)
        encoding = self._encode(frame, state)
        z = self.latents(encoding, frame)
        tracks = state.tracks

        known = [tracks.boxes] * len(z)
        deltas = self.proposal_head(z, encoding.skips, known)
        drawn = self.proposal_head.decode(deltas, torch.cat(known), frame.img_shape)
        drawn = drawn.view(len(z), len(tracks), 4)
        propagated = drawn.mean(dim=0)
        features = self.frame_detector.features(frame.image)
        detections = self._detect(frame, state, features)
        candidates = self.tracker.associate(
            propagated,
            tracks.labels,
            detections.bboxes,
            detections.labels,
            tracks.lost,
        )

        heads = self._heads(z, encoding, features, frame)
        refined = Refined.mean(
            [
                refine(head, maps(candidates.boxes), candidates.boxes, frame.img_shape)
                for head, maps in heads
            ]
        )
        labels = running_labels(
            refined.probs + tracks.past_probs(candidates.track_rows)
        )
        scores = refined.probs.gather(1, labels[:, None])[:, 0]
        shown = self.tracker.survives(candidates, scores, detections.scores)
        candidates, refined = candidates[shown], refined[shown]
        labels, scores = labels[shown], scores[shown]
        boxes = refined.of_labels(labels)
        result = segment(
            [(head, maps(boxes)) for head, maps in heads],
            boxes,
            labels,
            frame.metainfo,
        )

        sure = torch.arange(len(scores), device=scores.device)
        if self.tracker.mask_score_thr > 0:
            sure = sure[result.scores() >= self.tracker.mask_score_thr]
        unique = sure[
            self.tracker.unique(
                candidates.kinds[sure], scores[sure], result.masks[sure]
            )
        ]
        masks = disjoint_crops(
            result.masks[unique], scores[unique], result.probs[unique]
        )
        visible = masks.areas() > 0
        masks, rows = masks[visible], unique[visible]
        candidates, boxes, labels = candidates[rows], boxes[rows], labels[rows]
        track_rows = self.tracker.recover(
            candidates.track_rows, boxes, labels, propagated, tracks.labels
        )
        tracks, ids, next_id = self.tracker.update(
            tracks,
            state.next_id,
            track_rows,
            boxes,
            refined.probs[rows],
            scores[rows],
            frame.img_shape,
        )
        instances = InstanceData(
            bboxes=result.boxes[rows],
            labels=labels,
            scores=scores[rows],
            instances_id=ids,
            kinds=candidates.kinds,
            masks=self._as_result(masks, boxes.device),
        )
        if self.num_samples > 1:
            half = dict(dtype=torch.half, device=boxes.device)
            instances.mask_probs = result.probs[rows].dense(**half)
            # without D_aug, masks do not depend on z
            spread = result.variances
            if spread is None:
                spread = result.probs.map(torch.zeros_like)
            instances.mask_variances = spread[rows].dense(**half)
            given_z = self.proposal_head.variance(
                deltas, torch.cat(known), drawn.flatten(0, 1)
            )
            # Var b = Var E[b | z] + E Var[b | z]
            instances.box_variances = of_known(
                variance(drawn) + given_z.view_as(drawn).mean(dim=0),
                candidates.track_rows,
                frame.scale_factor,
            )
        return instances, VideoState(
            video_id=frame.video_id,
            frame_id=frame.frame_id,
            next_id=next_id,
            tracks=tracks,
            # A view would keep the whole stack of a video alive.
            frame=frame.image.clone(),
            combined_mask=self._combined_mask(frame, masks, labels, scores[rows]),
            steps=state.steps + 1,
        )

    @torch.no_grad()
    def pass_over(
        self, frame: Frame, state: VideoState | None
    ) -> tuple[InstanceData, VideoState | None]:
        """What :meth:`step` returns, of a frame that nobody has seen.

        No instance is shown, each is lost for this frame, and F_{t-1} and
        Lambda_{t-1} stay those of the last frame that was seen.
        """
        device, masks = frame.image.device, Crops([], [], frame.ori_shape)
        none = torch.zeros(0, dtype=torch.long, device=device)
        nothing = InstanceData(
            bboxes=torch.zeros(0, 4, device=device),
            labels=none,
            scores=torch.zeros(0, device=device),
            instances_id=none.clone(),
            kinds=none.clone(),
            masks=self._as_result(masks, device),
        )
        if self.num_samples > 1:
            half = dict(dtype=torch.half, device=device)
            nothing.mask_probs = masks.dense(**half)
            nothing.mask_variances = masks.dense(**half)
            nothing.box_variances = torch.zeros(0, 4, device=device)
        before = VideoState.before(frame, state, self.num_classes)
        if before is not state:
            return nothing, state
        probs = torch.zeros(0, self.num_classes, device=device)
        tracks, _, _ = self.tracker.update(
            state.tracks,
            state.next_id,
            none,
            nothing.bboxes,
            probs,
            nothing.scores,
            frame.img_shape,
        )
        return nothing, replace(state, frame_id=frame.frame_id, tracks=tracks)

    def latents(self, encoding: Encoding, frame: Frame) -> Tensor:
        """The z of a frame in testing, (S, L, h, w): mean, or draws.

        The draws of a frame depend on its number alone, so that the same video gives
        the same result. :mod:`mmvist.analysis` puts another z here.
        """
        if self.num_samples > 1:
            return encoding.draw(self.num_samples, seed=frame.frame_id)
        return encoding.sample() if self.sample_at_test else encoding.mean

    @torch.no_grad()
    def predict_next_frame(self, frame: Frame, state: VideoState | None) -> Tensor:
        """F^_{t+1} of D_aux, (3, height, width) of ``img_shape``, normalised.

        Raises:
            ValueError: The model has no auxiliary branch.
        """
        if not self.with_aux:
            raise ValueError('this model was built with with_aux=False')
        state = VideoState.before(frame, state, self.num_classes)
        z = self._encode(frame, state).mean
        picture = self.auxiliary_head(z, frame.image.shape[-2:])[0]
        return picture[:, : frame.img_shape[0], : frame.img_shape[1]]

    def _encode(self, frame: Frame, state: VideoState) -> Encoding:
        image = frame.image
        before = image if state.frame is None else state.frame
        mask = state.combined_mask
        if mask is None:
            mask = image.new_zeros(1, 1, *image.shape[-2:])
        return self.encoder(image, before, mask)

    def _heads(
        self,
        z: Tensor,
        encoding: Encoding,
        features: tuple[Tensor, ...],
        frame: Frame,
    ) -> list[tuple[nn.Module, Callable[[Tensor], Sequence[Tensor]]]]:
        """The RoI heads that judge, and the maps of each around given boxes."""
        heads = []
        if self.with_augment:
            maps = AugmentMaps(
                self.augment_head, z, encoding.skips, features, frame.image
            )
            heads.append((self.augment_head.roi_head, maps.around))
        if self.fuse_heads or not self.with_augment:
            heads.append((self.frame_detector.roi_head, lambda boxes: features))
        return heads

    def _detect(
        self, frame: Frame, state: VideoState, features: tuple[Tensor, ...]
    ) -> InstanceData:
        if state.steps % self.detect_interval:
            device = frame.image.device
            return InstanceData(
                bboxes=torch.zeros(0, 4, device=device),
                scores=torch.zeros(0, device=device),
                labels=torch.zeros(0, dtype=torch.long, device=device),
            )
        found = self.frame_detector.detect(features, [frame.metainfo])[0]
        return found[found.scores >= self.tracker.match_score_thr]

    def _as_result(self, masks: Crops, device: torch.device) -> Tensor | list[Rle]:
        if self.mask_format == 'rle':
            return encode_crops(masks)
        return masks.dense(dtype=torch.bool, device=device)

    def _combined_mask(
        self, frame: Frame, masks: Crops, labels: Tensor, scores: Tensor
    ) -> Tensor:
        """Lambda_t in network pixels, (1, 1, H, W)."""
        image = combined_mask(
            masks, labels, self.num_classes, self.mask_weights, scores
        )
        image = F.interpolate(image[None], size=frame.img_shape, mode='nearest')
        height, width = frame.image.shape[-2:]
        bottom, right = height - frame.img_shape[0], width - frame.img_shape[1]
        return F.pad(image, (0, right, 0, bottom)).to(frame.image.dtype)
