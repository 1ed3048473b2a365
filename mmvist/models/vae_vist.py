"""VAE-VIST: a VAE with Gaussian-process latents beside a Mask R-CNN.

"Video Instance Segmentation Tracking With a Modified VAE Architecture",
CVPR 2020, section 3 and figure 2. ``docs/departures.md`` lists where the
defaults leave the letter of the paper, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.registry import MODELS
from mmvist.structures.clip import Clip, Frame
from mmvist.structures.combined_mask import combined_mask
from mmvist.structures.crop_rle import encode_crops
from mmvist.structures.crops import Crops, disjoint_crops
from mmvist.structures.exclusive import Rle
from mmvist.structures.hosts import Inputs, unpack_clip, unpack_frames
from mmvist.structures.track_state import VideoState, running_labels

from .augment import Refined, refine
from .detectors import frame_detector
from .encoding import Encoding
from .losses import kl_losses
from .sampling import AugmentMaps, of_known, variance
from .segmentation import segment
from .training import TrainingSamples


@MODELS.register_module()
class VAEVIST(BaseMOTModel):
    """Classify, segment and track every instance of a video.

    One frame goes through eleven steps, which :meth:`loss` and :meth:`step`
    follow:

    1. the combined mask Lambda_{t-1} of the instances of t-1;
    2. the observation xi_t = [F_t, F_{t-1}, Lambda_{t-1}];
    3. :class:`VideoEncoder` E_phi: the posterior of z and the spatial prior phi;
    4. z, drawn in training and the mean in testing;
    5. :class:`GPKLLoss` (Theorem 2);
    6. :class:`AuxiliaryHead` D_aux: F_{t+1} from z alone; training only;
    7. :class:`ProposalHead` D_pro: b_{t-1} to b^pro_t, the same identity;
    8. the detector (Mask R-CNN): x^Mask_s and the detections b^mask_t;
    9. :class:`IoUHungarianTracker`: unions, propagated alone, new;
    10. :class:`AugmentHead` D_aug: class, box and mask of each;
    11. disjoint masks, births and deaths; the result is the b_{t-1} and
        Lambda_{t-1} of the next frame.

    Args:
        detector: Config of a MMDetection detector: two-stage with masks, or
            single-stage; :class:`FrameDetector` says what is asked of it.
        encoder: Config of the encoder.
        proposal_head: Config of D_pro.
        tracker: Config of the matching.
        kl_loss: Config of the latent loss.
        auxiliary_head: Config of D_aux.
        augment_head: Config of D_aug.
        with_skip: False drops E_s from D_pro and D_aug (table 2, row (a)).
        with_corr: False holds rho at 0 (row (b)).
        variational: False leaves z = mu and no KL (row (c)).
        with_aux: False drops D_aux (rows (d) and (f)).
        with_augment: False takes class, score and mask of propagated boxes
            from Mask R-CNN's own heads (rows (d) and (e)); a single-stage
            detector has none.
        detect_interval: Every n-th frame runs RPN and box head; on the others
            instances are propagated and none is born.
        mask_weights: How Lambda weighs a mask, see :func:`combined_mask`.
        sample_at_test: Draw z in testing too (the letter of the paper).
        num_samples: S, how many z are drawn of a frame in testing. 1 is the mean;
            from 2 on masks, boxes and scores are means over the draws, and results
            tell how far these are apart, see :meth:`step`.
        mask_format: ``'dense'`` tells masks as (M, H, W) bool, ``'rle'`` as M
            run-length codes, without a picture for each: for metrics and files.
        fuse_heads: In testing Mask R-CNN's own heads judge each candidate beside those
            of the augment branch, and class, box and mask are the means of both.
        freeze_detector: Keep the detector as it was initialised.
        train_cfg: Arguments of :class:`TrainingSamples`.
        data_preprocessor: Config of MMDetection's ``TrackDataPreprocessor``.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: A branch that is switched on has no config, heads differ in
            their number of classes, ``detect_interval`` or ``num_samples`` is
            under 1, ``mask_format`` is unknown, there is no posterior to draw
            ``num_samples`` from, or the detector is of no known kind, has maps of
            other strides than ``augment_head.mask_strides``, or no RoI heads where
            they are needed.
    """

    def __init__(
        self,
        detector: dict,
        encoder: dict,
        proposal_head: dict,
        tracker: dict,
        kl_loss: dict | None = None,
        auxiliary_head: dict | None = None,
        augment_head: dict | None = None,
        with_skip: bool = True,
        with_corr: bool = True,
        variational: bool = True,
        with_aux: bool = True,
        with_augment: bool = True,
        detect_interval: int = 1,
        mask_weights: str = 'class',
        sample_at_test: bool = False,
        num_samples: int = 1,
        mask_format: str = 'dense',
        fuse_heads: bool = False,
        freeze_detector: bool = False,
        train_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if detect_interval < 1:
            raise ValueError(f'detect_interval is at least 1, got {detect_interval}')
        if num_samples < 1 or (num_samples > 1 and not variational):
            raise ValueError(
                'num_samples is at least 1, and 1 where variational=False leaves '
                f'nothing to draw from, got {num_samples}'
            )
        if mask_format not in ('dense', 'rle'):
            raise ValueError(f"mask_format is 'dense' or 'rle', got {mask_format!r}")
        self.mask_format = mask_format
        self.fuse_heads = fuse_heads
        self.variational = variational
        self.with_aux = with_aux
        self.with_augment = with_augment
        self.detect_interval = detect_interval
        self.mask_weights = mask_weights
        self.sample_at_test = sample_at_test
        self.num_samples = num_samples
        self.freeze_detector = freeze_detector

        self.detector = MODELS.build(detector)
        self.frame_detector = frame_detector(self.detector)
        self.encoder = MODELS.build(
            dict(encoder, with_corr=with_corr, variational=variational)
        )
        self.proposal_head = MODELS.build(dict(proposal_head, with_skip=with_skip))
        self.tracker = MODELS.build(
            tracker if with_augment else dict(tracker, union=False)
        )
        if variational:
            self.kl_loss = MODELS.build(kl_loss or dict(type='mmvist.GPKLLoss'))
        if with_aux:
            self.auxiliary_head = MODELS.build(
                _needed(auxiliary_head, 'auxiliary_head')
            )
        if with_augment:
            augment_head = _needed(augment_head, 'augment_head')
            self.augment_head = MODELS.build(dict(augment_head, with_skip=with_skip))
        self.frame_detector.check(self.augment_head if with_augment else None)
        if fuse_heads and self.frame_detector.roi_head is None:
            raise ValueError('fuse_heads=True needs a detector with RoI heads')
        self.num_classes = self._count_classes()
        self.training_samples = TrainingSamples(
            self.tracker, self.num_classes, mask_weights, **(train_cfg or {})
        )
        self._state: VideoState | None = None
        if freeze_detector:
            self.freeze_module('detector')

    def _count_classes(self) -> int:
        counts = list(self.frame_detector.class_counts)
        if self.with_augment:
            roi_head = self.augment_head.roi_head
            counts += [roi_head.bbox_head.num_classes, roi_head.mask_head.num_classes]
        if len(set(counts)) != 1:
            raise ValueError(
                'box and mask heads of detector and augment_head must have one '
                f'num_classes, got {counts}'
            )
        return counts[0]

    def train(self, mode: bool = True) -> VAEVIST:
        super().train(mode)
        if self.freeze_detector:
            self.detector.eval()
        return self

    # ---------------------------------------------------------------- training

    def loss(
        self,
        inputs: Inputs,  # (N, 3, 3, H, W)
        data_samples: TrackSampleList,
        **kwargs: object,
    ) -> dict[str, Tensor]:
        """Losses of a batch as either host packs it; see :meth:`clip_loss`."""
        return self.clip_loss(unpack_clip(inputs, data_samples))

    def clip_loss(self, clip: Clip) -> dict[str, Tensor]:
        """The negative ELBO (eq. (1)) and the detector's losses of a batch.

        Returns:
            Losses, each a scalar or a list of scalars: ``loss_kl``,
            ``loss_aux``, ``loss_proposal``, those of the detector,
            ``loss_aug_*``; and what is only logged: ``rho``, ``abs_rho``,
            ``sigma``, ``acc``, ``aug_acc``.

        No gradient flows through boxes. The KL reaches the encoder; D_aux and
        D_pro the encoder and themselves; D_aug also backbone and FPN; the
        detector's losses the detector alone.
        """
        known = self.training_samples.known(clip)
        encoding = self.encoder(
            clip.frame,
            clip.prev_frame,
            torch.stack([one.combined_mask for one in known]),
        )
        z = encoding.sample()
        losses = {}
        if encoding.posterior is not None:
            losses.update(kl_losses(self.kl_loss, encoding.posterior))
        if self.with_aux:
            losses.update(
                self.auxiliary_head.loss(
                    z, clip.next_frame, clip.has_next, clip.img_shapes
                )
            )
        deltas = self.proposal_head(z, encoding.skips, [one.boxes for one in known])
        losses.update(
            self.proposal_head.loss(
                deltas,
                torch.cat([one.boxes for one in known]),
                torch.cat([one.targets for one in known]),
                torch.cat([one.visible for one in known]),
            )
        )
        features = self.detector.extract_feat(clip.frame)
        detector_losses, proposals = self.frame_detector.loss(
            features, clip.data_samples
        )
        if not self.freeze_detector:
            losses.update(detector_losses)
        if self.with_augment:
            candidates = self._training_candidates(
                clip, known, deltas, features, proposals
            )
            augmented = self.augment_head(z, encoding.skips, features)
            losses.update(
                self.augment_head.loss(augmented, candidates, clip.data_samples)
            )
        self.training_samples.advance()
        return losses

    @torch.no_grad()
    def _training_candidates(
        self,
        clip: Clip,
        known: list,
        deltas: Tensor,
        features: tuple[Tensor, ...],
        proposals: list[InstanceData],
    ) -> list[Tensor]:
        """RoIs of the augment branch, made by the code of :meth:`step`."""
        metainfo = [sample.metainfo for sample in clip.data_samples]
        score_thr = self.training_samples.candidate_score_thr
        detections = self.frame_detector.detect(
            features, metainfo, proposals, score_thr
        )
        candidates = []
        split = deltas.split([len(one.boxes) for one in known])
        for row, sample in enumerate(clip.data_samples):
            count = len(known[row].ids)
            propagated = self.proposal_head.decode(
                split[row][:count], known[row].boxes[:count], clip.img_shapes[row]
            )
            candidates.append(
                self.training_samples.candidates(
                    propagated, known[row], detections[row], proposals[row], sample
                )
            )
        return candidates

    # ----------------------------------------------------------------- testing

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
        features = self.detector.extract_feat(frame.image)
        detections = self._detect(frame, state, features)
        candidates = self.tracker.associate(
            propagated,
            tracks.labels,
            detections.bboxes,
            detections.labels,
            tracks.lost,
        )

        heads = self._heads(z, encoding, features)
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

        unique = self.tracker.unique(candidates.kinds, scores, result.masks)
        masks = disjoint_crops(
            result.masks[unique], scores[unique], result.probs[unique]
        )
        visible = masks.areas() > 0
        masks, rows = masks[visible], unique.nonzero()[:, 0][visible]
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
            spread = result.variances or result.probs.map(torch.zeros_like)
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
        device, size = frame.image.device, frame.ori_shape
        none = torch.zeros(0, dtype=torch.long, device=device)
        nothing = InstanceData(
            bboxes=torch.zeros(0, 4, device=device),
            labels=none,
            scores=torch.zeros(0, device=device),
            instances_id=none,
            kinds=none,
            masks=torch.zeros(0, *size, dtype=torch.bool, device=device),
        )
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
        self, z: Tensor, encoding: Encoding, features: tuple[Tensor, ...]
    ) -> list[tuple[nn.Module, Callable[[Tensor], Sequence[Tensor]]]]:
        """RoI heads that judge candidates, and the maps of each around given boxes."""
        heads = []
        if self.with_augment:
            maps = AugmentMaps(self.augment_head, z, encoding.skips, features)
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


def _needed(config: dict | None, name: str) -> dict:
    if config is None:
        raise ValueError(f'VAEVIST needs {name}, or the switch that turns it off')
    return config
