"""What VAE-VIST needs of a detector, whatever its architecture.

Features are extracted once and shared with the augment branch, hence neither
``detector.loss`` nor ``detector.predict`` of the host, which extract their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.models.layers import FEATURE_STRIDES


class FrameDetector(ABC):
    """A detector of MMDetection, asked for no more than the model needs.

    It holds no weights. Another architecture is another subclass, listed in
    :func:`frame_detector`.

    Args:
        detector: The module; its ``extract_feat`` gives the maps x^Mask_s.

    Attributes:
        strides: Strides of those maps, finest first.
        class_counts: ``num_classes`` of each of its heads.
        roi_head: The heads that classify, refine and segment any box they are
            given (``with_augment=False`` asks them); None where there are none.
    """

    strides: tuple[int, ...]
    class_counts: list[int]
    roi_head: nn.Module | None

    def __init__(self, detector: nn.Module) -> None:
        self.detector = detector

    def features(
        self,
        images: Tensor,  # (N, 3, H, W)
    ) -> tuple[Tensor, ...]:
        """The maps x^Mask_s of frames, (N, C, h_s, w_s) of each stride."""
        return tuple(self.detector.extract_feat(images))

    @abstractmethod
    def loss(
        self,
        features: Sequence[Tensor],  # N maps of each stride
        data_samples: SampleList,
    ) -> tuple[dict[str, Tensor], list[InstanceData]]:
        """All losses of the detector, and what it proposes (no gradient).

        Args:
            features: Of :meth:`features`.
            data_samples: The truth, left as it is.

        Returns:
            Losses; and N times ``bboxes`` (P, 4), network pixels, the best
            first, which :meth:`detect` takes.
        """

    @abstractmethod
    def detect(
        self,
        features: Sequence[Tensor],  # N maps of each stride
        metainfo: Sequence[dict],
        proposals: list[InstanceData] | None = None,
        score_thr: float | None = None,
    ) -> list[InstanceData]:
        """The detector's final boxes without masks and gradient, network pixels.

        Args:
            features: Of :meth:`features`.
            metainfo: ``img_shape``, ``scale_factor``, ... of each frame.
            proposals: What :meth:`loss` has given, if it has run already.
            score_thr: Replaces the threshold of the test config.

        Returns:
            N times ``bboxes`` (M, 4), ``scores`` (M,) and ``labels`` (M,).
        """

    def check(self, augment_head: nn.Module | None) -> None:
        """See at build time whether the two fit.

        Args:
            augment_head: D_aug, or None for a model without it.

        Raises:
            ValueError: The maps have other strides than ``augment_head`` reads, or
                without it there are no RoI heads to take its place.
        """
        name = type(self.detector).__name__
        if augment_head is None:
            if self.roi_head is None:
                raise ValueError(
                    'with_augment=False takes class, score and mask of propagated '
                    f'boxes from RoI heads with masks, and {name} has none: take a '
                    'two-stage detector with masks, or with_augment=True'
                )
            return
        asked = augment_head.mask_strides
        if self.strides[: len(asked)] != asked:
            common = tuple(one for one in self.strides if one in FEATURE_STRIDES)
            raise ValueError(
                f'the maps of {name} have strides {self.strides}, and '
                f'augment_head.mask_strides is {asked}: set it to {common}'
            )


def strides_of(dense_head: nn.Module) -> tuple[int, ...]:
    """Strides of the maps that an RPN or a single-stage head reads."""
    return tuple(int(stride[0]) for stride in dense_head.prior_generator.strides)
