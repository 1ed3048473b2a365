"""The embedding of MaskTrack R-CNN, as its authors published it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmdet.models.task_modules import SamplingResult
from mmdet.models.tracking_heads import RoIEmbedHead as _RoIEmbedHead
from torch import Tensor

from mmvist.registry import MODELS


@MODELS.register_module()
class RoIEmbedHead(_RoIEmbedHead):
    """MMDetection's head with the activation and the loss of the original.

    The weights have the names of the parent's.

    Args:
        last_relu: A ReLU after the last fully connected layer, as in MMDetection's
            port. There no dot product of two embeddings is negative, so that the
            constant 0 of "a new object" never wins by appearance.
        normalizer: What the loss of an image is divided by: ``'positives'``, its
            positive RoIs, as in the original, or ``'matched'``, those of them
            whose object is in the reference frame, as in the port.
        **kwargs: Of the parent.

    Raises:
        ValueError: ``normalizer`` is neither of the two.
    """

    def __init__(
        self, last_relu: bool = False, normalizer: str = 'positives', **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        if normalizer not in ('positives', 'matched'):
            raise ValueError(
                f"normalizer is 'positives' or 'matched', got {normalizer!r}"
            )
        self.last_relu = last_relu
        self.normalizer = normalizer

    def extract_feat(
        self,
        x: Tensor,  # (N, C, 7, 7)
        num_x_per_img: list[int],
    ) -> tuple[Tensor, ...]:
        """Embeddings of the RoIs of each image, (n, D) each."""
        if self.last_relu or not self.num_fcs:
            return super().extract_feat(x, num_x_per_img)
        for conv in self.convs:
            x = conv(x)
        if self.with_avg_pool:
            x = self.avg_pool(x)
        x = x.flatten(1)
        *hidden, last = self.fcs
        for layer in hidden:
            x = F.relu(layer(x))
        return torch.split(last(x), num_x_per_img)

    def loss_by_feat(
        self,
        x_split: tuple[Tensor, ...],
        ref_x_split: tuple[Tensor, ...],
        sampling_results: list[SamplingResult],
        gt_instance_ids: list[Tensor],
        ref_gt_instance_ids: list[Tensor],
        reduction_override: str | None = None,
    ) -> dict[str, Tensor]:
        """``loss_match`` and ``match_accuracy``, means over the images."""
        images = zip(
            x_split,
            ref_x_split,
            sampling_results,
            gt_instance_ids,
            ref_gt_instance_ids,
            strict=True,
        )
        losses = []
        for image in images:
            one = super().loss_by_feat(*([part] for part in image), reduction_override)
            if self.normalizer == 'positives' and 'loss_match' in one:
                one['loss_match'] = one['loss_match'] * self._rescale(*image[2:])
            losses.append(one)
        return {key: sum(one[key] for one in losses) / len(losses) for key in losses[0]}

    def _rescale(self, sampled: SamplingResult, ids: Tensor, ref_ids: Tensor) -> float:
        """What the parent divided by, over what the original divides by."""
        targets, weights = self.get_targets([sampled], [ids], [ref_ids])
        matched, positives = int((targets[0] > 0).sum()), int((weights[0] > 0).sum())
        return max(matched, 1) / max(positives, 1)
