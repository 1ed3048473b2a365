"""RoIs of a fine map, for masks whose edges coarse maps have lost."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.models import SingleRoIExtractor
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.registry import MODELS

from .layers import FEATURE_STRIDES, conv3x3


@MODELS.register_module()
class DetailRoIExtractor(BaseModule):
    """RoIs of another extractor, plus what a map of stride 2 shows in them.

    A mask of 28 x 28 pixels is drawn from a RoI of 14 x 14; on a map of stride 4 an
    object ten pixels wide fills two or three of its cells. Here the same RoIAlign, of
    twice the size, reads a finer map, a convolution halves it, and it is added.

    Args:
        extractor: Config of the other extractor, a ``SingleRoIExtractor`` or
            :class:`ShortcutRoIExtractor`.
        fine_channels: Channels of the fine map.
        mid_channels: Channels between the two convolutions.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        extractor: dict,
        fine_channels: int,
        mid_channels: int = 32,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.extractor = MODELS.build(extractor)
        size = tuple(2 * side for side in self.roi_layers[0].output_size)
        self.fine = SingleRoIExtractor(
            roi_layer=dict(extractor['roi_layer'], output_size=size),
            out_channels=fine_channels,
            featmap_strides=[2],
        )
        self.down = nn.Sequential(
            conv3x3(fine_channels, mid_channels),
            nn.ReLU(inplace=True),
            conv3x3(mid_channels, self.out_channels, stride=2),
        )
        # masks begin as those of the other extractor
        nn.init.zeros_(self.down[-1].weight)

    @property
    def num_inputs(self) -> int:
        """Number of maps that are read: those of the other one, and the fine map."""
        return self.extractor.num_inputs + 1

    @property
    def out_channels(self) -> int:
        """Channels of the RoIs."""
        return self.extractor.out_channels

    @property
    def featmap_strides(self) -> Sequence[int]:
        """Strides of the other extractor's maps."""
        return self.extractor.featmap_strides

    @property
    def roi_layers(self) -> nn.ModuleList:
        """The other extractor's, whose RoIs have the size of these."""
        return self.extractor.roi_layers

    def map_roi_levels(self, rois: Tensor, num_levels: int) -> Tensor:
        """The maps from which the other extractor takes the RoIs (K, 5)."""
        return self.extractor.map_roi_levels(rois, num_levels)

    def forward(
        self,
        feats: Sequence[Tensor],  # the other's, then (N or 1, fine_channels, h, w)
        rois: Tensor,  # (K, 5)
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Crops (K, out_channels, h, w).

        Args:
            feats: The maps, laid out as :func:`for_roi_align` says; a fine map of one
                frame serves all draws.
            rois: Number of the picture, x1, y1, x2, y2 in network pixels.
            roi_scale_factor: As the host has it.
        """
        *coarse, fine = feats
        crops = self.extractor(coarse, rois, roi_scale_factor)
        if roi_scale_factor is not None:
            # of a single map the host leaves it out
            rois = self.fine.roi_rescale(rois, roi_scale_factor)
        if len(fine) == 1:
            rois = rois.clone()
            rois[:, 0] = 0
        return crops + self.down(self.fine([fine], rois)).to(crops)


def detail_heads(roi_head: dict, fine_channels: int) -> dict:
    """The config of heads whose masks have their edges from a map of stride 2.

    Raises:
        ValueError: Masks have no RoI extractor of their own, or one that is neither a
            ``SingleRoIExtractor`` nor a :class:`ShortcutRoIExtractor`, does no
            RoIAlign, or has other strides than 4, 8, 16, 32.
    """
    extractor = dict(roi_head.get('mask_roi_extractor') or {})
    kind, strides = extractor.get('type'), tuple(extractor.get('featmap_strides', ()))
    layer = extractor.get('roi_layer', {}).get('type')
    if kind == 'SingleRoIExtractor':
        kind = extractor['type'] = 'mmdet.SingleRoIExtractor'
    if (
        kind not in ('mmdet.SingleRoIExtractor', 'mmvist.ShortcutRoIExtractor')
        or strides != FEATURE_STRIDES
        or layer != 'RoIAlign'
    ):
        raise ValueError(
            'fine_channels needs a mask_roi_extractor that is a SingleRoIExtractor '
            f'with RoIAlign of the strides {FEATURE_STRIDES}, got {kind} with {layer} '
            f'of {strides}'
        )
    made = dict(
        type='mmvist.DetailRoIExtractor',
        extractor=extractor,
        fine_channels=fine_channels,
    )
    return dict(roi_head, mask_roi_extractor=made)
