"""VAE-VIST: a VAE with Gaussian-process latents beside a Mask R-CNN.

"Video Instance Segmentation Tracking With a Modified VAE Architecture",
CVPR 2020, section 3 and figure 2. ``docs/departures.md`` lists where the
defaults leave the letter of the paper, and why.
"""

from __future__ import annotations

import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.structures import TrackSampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmvist.registry import MODELS
from mmvist.structures.clip import Clip
from mmvist.structures.hosts import Inputs, unpack_clip

from .any_layout import read_any_layout
from .detectors import frame_detector
from .losses import kl_losses
from .online import OnlineTracking
from .training import TrainingSamples


@MODELS.register_module()
class VAEVIST(OnlineTracking, BaseMOTModel):
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
            run-length codes, for our metrics and files, without a picture for each
            (what ``num_samples`` adds stays dense). MMDetection's own metrics want
            the first.
        fuse_heads: In testing Mask R-CNN's own heads judge each candidate beside those
            of the augment branch, and class, box and mask are the means of both.
        freeze_detector: Keep the detector as it was initialised.
        channels_last: Keep weights, and so the maps, with the channels innermost,
            which convolutions are faster with; results differ by rounding.
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
        channels_last: bool = False,
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
        if fuse_heads:
            self._check_heads()
        self.num_classes = self._count_classes()
        self.training_samples = TrainingSamples(
            self.tracker, self.num_classes, mask_weights, **(train_cfg or {})
        )
        if freeze_detector:
            self.freeze_module('detector')
        if channels_last:
            # a convolution answers in the layout of its weights
            self.to(memory_format=torch.channels_last)
        read_any_layout(self)

    def _check_heads(self) -> None:
        if not self.with_augment or self.frame_detector.roi_head is None:
            raise ValueError(
                'fuse_heads takes the mean of two heads: it needs with_augment=True '
                'and a detector with RoI heads'
            )
        sizes = [
            head.mask_roi_extractor.roi_layers[0].output_size
            for head in (self.augment_head.roi_head, self.frame_detector.roi_head)
        ]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f'fuse_heads: masks of {sizes[0]} and {sizes[1]} have no mean'
            )

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
        features = self.frame_detector.features(clip.frame)
        detector_losses, proposals = self.frame_detector.loss(
            features, clip.data_samples
        )
        if not self.freeze_detector:
            losses.update(detector_losses)
        if self.with_augment:
            candidates = self._training_candidates(
                clip, known, deltas, features, proposals
            )
            augmented = self.augment_head(z, encoding.skips, features, frame=clip.frame)
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


def _needed(config: dict | None, name: str) -> dict:
    if config is None:
        raise ValueError(f'VAEVIST needs {name}, or the switch that turns it off')
    return config
