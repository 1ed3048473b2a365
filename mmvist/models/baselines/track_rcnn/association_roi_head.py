"""Mask R-CNN's RoI heads with an association vector for each RoI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures import SampleList
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvist.registry import MODELS


@MODELS.register_module()
class AssociationRoIHead(StandardRoIHead):
    """``StandardRoIHead`` whose classifier's input also goes to an association head.

    So class, box and association vector are single layers on one shared vector,
    whatever the box head is made of (two FC layers of an FPN head, or C5 and pooling).

    Args:
        association_head: Config of the head.
        **kwargs: Of ``StandardRoIHead``.
    """

    def __init__(self, association_head: dict, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.association_head = MODELS.build(association_head)
        self._truth: SampleList = []

    def _bbox_forward(self, x: tuple[Tensor, ...], rois: Tensor) -> dict[str, Tensor]:
        """As the parent's, with ``embeddings`` (R, E)."""
        with _input_of(self.bbox_head.fc_cls) as taken:
            results = super()._bbox_forward(x, rois)
        results['embeddings'] = self.association_head(taken[0])
        return results

    def loss(
        self,
        x: tuple[Tensor, ...],
        rpn_results_list: list[InstanceData],
        batch_data_samples: SampleList,
    ) -> dict[str, Tensor]:
        """The parent's losses and ``loss_association``.

        Args:
            x: Maps of the frames.
            rpn_results_list: Proposals of each frame.
            batch_data_samples: Frames with ``instances_ids`` in ``gt_instances``, and
                ``video_id``: those of one video are a clip.
        """
        # The parent does not hand identities on to bbox_loss.
        self._truth = batch_data_samples
        try:
            return super().loss(x, rpn_results_list, batch_data_samples)
        finally:
            self._truth = []

    def bbox_loss(
        self, x: tuple[Tensor, ...], sampling_results: list[SamplingResult]
    ) -> dict[str, Tensor]:
        """The parent's results, with the association loss beside class and box."""
        results = super().bbox_loss(x, sampling_results)
        ids, groups, foreground = self._identities(sampling_results)
        results['loss_bbox']['loss_association'] = self.association_head.loss(
            results['embeddings'][foreground], ids, groups, len(foreground)
        )
        return results

    def _identities(
        self, sampling_results: list[SamplingResult]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Identity and group of the P foreground RoIs, and which of the R they are."""
        videos = [sample.metainfo.get('video_id', 0) for sample in self._truth]
        numbers = {video: number for number, video in enumerate(dict.fromkeys(videos))}
        ids, groups, foreground = [], [], []
        for sampled, sample, video in zip(sampling_results, self._truth, videos):
            truth = sample.gt_instances
            ids.append(truth.instances_ids[sampled.pos_assigned_gt_inds])
            groups.append(
                numbers[video] * self.bbox_head.num_classes + sampled.pos_gt_labels
            )
            # positives come first in the RoIs of a frame
            count = len(sampled.pos_priors), len(sampled.neg_priors)
            foreground += [torch.ones(count[0]), torch.zeros(count[1])]
        is_foreground = torch.cat(foreground).bool().to(groups[0].device)
        return torch.cat(ids), torch.cat(groups), is_foreground

    def embed(
        self,
        x: Sequence[Tensor],
        boxes: Sequence[Tensor],  # of each frame (M_i, 4) xyxy, network pixels
    ) -> Tensor:
        """Association vectors of any boxes, (sum of M_i, E)."""
        return self._bbox_forward(tuple(x), bbox2roi(list(boxes)))['embeddings']


@contextmanager
def _input_of(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what the layer is given."""
    taken: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, given: taken.append(given[0]))
    try:
        yield taken
    finally:
        handle.remove()
