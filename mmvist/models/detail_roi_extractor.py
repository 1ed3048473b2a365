"""RoIs of the frame itself, for masks whose edges feature maps have lost."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.models import SingleRoIExtractor
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.registry import MODELS

from .layers import FEATURE_STRIDES, conv3x3
from .shortcut_roi_extractor import rois_of

_STRIDES = (1, 2, 4, 8, 16)


@MODELS.register_module()
class DetailRoIExtractor(BaseModule):
    """RoIs of another extractor, plus what the frame shows in them.

    A mask of 28 x 28 pixels is drawn from a RoI of 14 x 14; on a map of stride 4 an
    object ten pixels wide fills two or three of its cells. Here RoIAlign of twice the
    size reads the colours of the frame, of a larger object from a smaller frame, about
    as finely as its mask is drawn (by the geometric mean of its sides); of two
    convolutions the second halves it, and it is added.

    Args:
        extractor: Config of the other extractor, a ``SingleRoIExtractor`` or
            :class:`ShortcutRoIExtractor`.
        channels: Channels between the two convolutions.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self, extractor: dict, channels: int = 32, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.extractor = MODELS.build(extractor)
        size = tuple(2 * side for side in self.roi_layers[0].output_size)
        self.colours = SingleRoIExtractor(
            roi_layer=dict(extractor['roi_layer'], output_size=size),
            out_channels=3,
            featmap_strides=_STRIDES,
            finest_scale=min(size),
        )
        self.down = nn.Sequential(
            conv3x3(3, channels),
            nn.ReLU(inplace=True),
            # of 2x2, not 3x3: a cell of the other RoI is two by two of these
            nn.Conv2d(channels, self.out_channels, 2, stride=2),
        )
        # masks begin as those of the other extractor
        nn.init.zeros_(self.down[-1].weight)
        nn.init.zeros_(self.down[-1].bias)

    @property
    def num_inputs(self) -> int:
        """Number of maps that are read: those of the other one, and the frame."""
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
        feats: Sequence[Tensor],  # the other's, then the frame (N or 1, 3, H, W)
        rois: Tensor,  # (K, 5)
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Crops (K, out_channels, h, w).

        Args:
            feats: The maps, and the frame, which serves all draws.
            rois: Number of the picture, x1, y1, x2, y2 in network pixels.
            roi_scale_factor: As the host has it.
        """
        *maps, frame = feats
        crops = self.extractor(maps, rois, roi_scale_factor)
        colours = self.colours(_averaged(frame), rois_of(frame, rois), roi_scale_factor)
        return crops + self.down(colours).to(crops)


def _averaged(frame: Tensor) -> list[Tensor]:
    """The frame at each of ``_STRIDES``."""
    made = [frame]
    while len(made) < len(_STRIDES):
        made.append(_halved(made[-1]))
    return made


def _halved(image: Tensor) -> Tensor:
    """Means of two by two pixels, rounded up; a third of the time of ``avg_pool2d``."""
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        image = F.pad(image, (0, width % 2, 0, height % 2), mode='replicate')
    rows = image[..., ::2, :] + image[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) / 4


def detail_heads(roi_head: dict) -> dict:
    """The config of heads whose masks have their edges from the frame.

    Raises:
        ValueError: Masks have no RoI extractor of their own, or one that is neither a
            ``SingleRoIExtractor`` nor a :class:`ShortcutRoIExtractor`, does no
            RoIAlign, or has other strides than 4, 8, 16, 32.
    """
    if roi_head.get('mask_roi_extractor') is None:
        raise ValueError('with_detail needs a roi_head with a mask_roi_extractor')
    extractor = dict(roi_head['mask_roi_extractor'])
    if extractor['type'] == 'SingleRoIExtractor':
        extractor['type'] = 'mmdet.SingleRoIExtractor'
    kind, strides = extractor['type'], tuple(extractor['featmap_strides'])
    layer = extractor['roi_layer']['type']
    if (
        kind not in ('mmdet.SingleRoIExtractor', 'mmvist.ShortcutRoIExtractor')
        or strides != FEATURE_STRIDES
        or layer != 'RoIAlign'
    ):
        raise ValueError(
            'with_detail needs a mask_roi_extractor that is a SingleRoIExtractor '
            f'with RoIAlign of the strides {FEATURE_STRIDES}, got {kind} with {layer} '
            f'of {strides}'
        )
    made = dict(type='mmvist.DetailRoIExtractor', extractor=extractor)
    return dict(roi_head, mask_roi_extractor=made)
