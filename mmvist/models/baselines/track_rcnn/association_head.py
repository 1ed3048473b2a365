"""The association vector of a RoI and its batch-hard triplet loss."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.registry import MODELS


@MODELS.register_module()
class AssociationHead(BaseModule):
    """One linear layer beside those of class and box, not normalised.

    Args:
        in_channels: Of the vector that the classifier reads.
        embed_dims: Of the association vector.
        margin: alpha of the loss.
        loss_weight: Weight of the loss. The released code divides the sum of eight
            frames' detection losses and one triplet loss by eight; beside the mean
            detection loss of a frame that is 1/8, the default. The paper's sum is 1.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dims: int = 128,
        margin: float = 0.2,
        loss_weight: float = 0.125,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.margin = margin
        self.loss_weight = loss_weight
        self.fc = nn.Linear(in_channels, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """(R, in_channels) to (R, embed_dims)."""
        return self.fc(x)

    def loss(
        self,
        embeddings: Tensor,  # (R, E) of foreground RoIs
        ids: Tensor,  # (R,)
        groups: Tensor,  # (R,)
        num_rois: int,
    ) -> Tensor:
        """The weighted sum of the triplet terms over the number of RoIs.

        Args:
            embeddings: Of all foreground RoIs of the clip.
            ids: Identities.
            groups: RoIs are compared within a group, a class of a video.
            num_rois: All RoIs, those of the background too: a background RoI has no
                identity and a term of zero.
        """
        terms = batch_hard_triplets(embeddings, ids, groups, self.margin)
        return self.loss_weight * terms.sum() / max(num_rois, 1)


def batch_hard_triplets(
    embeddings: Tensor,  # (R, E)
    ids: Tensor,  # (R,)
    groups: Tensor,  # (R,)
    margin: float,
) -> Tensor:
    """The hardest positive against the hardest negative of each vector, (R,).

    ``max(0, farthest of the same identity - nearest of another one + margin)`` by
    Euclidean distance within a group; 0 where the group has no other identity.
    """
    if len(embeddings) == 0:
        return embeddings.sum(dim=1)
    # Without the shortcut by matrix products, whose distance of a vector to itself
    # is not zero and which loses digits between neighbours.
    distances = torch.cdist(
        embeddings.float(),
        embeddings.float(),
        compute_mode='donot_use_mm_for_euclid_dist',
    )
    same_group = groups[:, None] == groups[None]
    same_id = same_group & (ids[:, None] == ids[None])
    negative = same_group & ~same_id
    farthest = distances.masked_fill(~same_id, 0).amax(dim=1)
    nearest = distances.masked_fill(~negative, torch.inf).amin(dim=1)
    return (farthest - nearest + margin).clamp(min=0)
