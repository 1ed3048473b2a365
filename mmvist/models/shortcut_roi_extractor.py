"""RoIAlign of what D_aug makes, added to that of the detector's own maps."""

from __future__ import annotations

from collections.abc import Sequence

from mmdet.models import SingleRoIExtractor
from torch import Tensor

from mmvist.registry import MODELS

from .layers import FEATURE_STRIDES, convolution


@MODELS.register_module()
class ShortcutRoIExtractor(SingleRoIExtractor):
    """RoIs of decoded maps through a 1x1 convolution, plus those of the detector.

    The heads then read the map of the detector and what is to change in it. A 1x1
    convolution of a RoI inside a map is the RoI of the map's, so that the same could be
    had by adding whole maps; in testing, RoIs are a small part of them.

    Args:
        decoded_channels: Channels of the decoded maps, the same at all strides.
        out_channels: Channels of the detector's maps, and of the RoIs.
        featmap_strides: Strides of either.
        **kwargs: Of the host's ``SingleRoIExtractor``.
    """

    def __init__(
        self,
        decoded_channels: int,
        out_channels: int,
        featmap_strides: Sequence[int],
        **kwargs: object,
    ) -> None:
        super().__init__(
            out_channels=out_channels, featmap_strides=featmap_strides, **kwargs
        )
        kwargs.pop('init_cfg', None)
        self.decoded = SingleRoIExtractor(
            out_channels=decoded_channels, featmap_strides=featmap_strides, **kwargs
        )
        self.out = convolution(decoded_channels, out_channels, 1)

    @property
    def num_inputs(self) -> int:
        """Number of maps that are read: as many decoded as of the detector."""
        return 2 * len(self.featmap_strides)

    def forward(
        self,
        feats: Sequence[Tensor],  # decoded (N, D, h_s, w_s), detector's (N or 1, ...)
        rois: Tensor,  # (K, 5)
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Crops (K, out_channels, h, w).

        Args:
            feats: The decoded maps at each stride, then those of the detector; maps of
                one frame serve all draws.
            rois: Number of the picture, x1, y1, x2, y2 in network pixels.
            roi_scale_factor: As the host has it.
        """
        decoded, given = feats[: len(feats) // 2], feats[len(feats) // 2 :]
        change = self.out(self.decoded(decoded, rois, roi_scale_factor))
        rois = rois_of(given[0], rois)
        return super().forward(given, rois, roi_scale_factor).to(change) + change


def rois_of(
    maps: Tensor,  # (N or 1, ...)
    rois: Tensor,  # (K, 5)
) -> Tensor:
    """The RoIs, of whichever draw, in maps that are of one frame for all draws."""
    if len(maps) > 1:
        return rois
    rois = rois.clone()
    rois[:, 0] = 0
    return rois


def shortcut_heads(roi_head: dict, width: int, channels: int) -> dict:
    """The config of heads that read decoded maps of a width and the detector's.

    Raises:
        ValueError: A RoI extractor is not the host's of the strides 4, 8, 16, 32 and of
            these channels.
    """
    made = dict(roi_head)
    host = dict(featmap_strides=FEATURE_STRIDES, out_channels=channels)
    for key in ('bbox_roi_extractor', 'mask_roi_extractor'):
        if made.get(key) is None:
            continue
        extractor = dict(made[key])
        kind = extractor.pop('type')
        if kind not in ('SingleRoIExtractor', 'mmdet.SingleRoIExtractor'):
            raise ValueError(f'a shortcut needs a SingleRoIExtractor, {key} is {kind}')
        found = dict(extractor, featmap_strides=tuple(extractor['featmap_strides']))
        for name, needed in host.items():
            if found[name] != needed:
                raise ValueError(
                    f'a shortcut needs {name}={needed} in {key}, got {found[name]}'
                )
        made[key] = dict(
            extractor, type='mmvist.ShortcutRoIExtractor', decoded_channels=width
        )
    return made


def check_shortcut(
    strides: Sequence[int], widths: Sequence[int], mask_channels: int, channels: int
) -> None:
    """See whether decoded maps and those of the detector can be added.

    Raises:
        ValueError: The detector's are not of the strides 4, 8, 16, 32; the decoded ones
            are of unlike widths; or the heads read other channels than the detector's.
    """
    if strides != FEATURE_STRIDES:
        raise ValueError(f'a shortcut needs maps of the strides {FEATURE_STRIDES}')
    if len({*widths}) > 1:
        raise ValueError(f'a shortcut needs widths that are alike, got {list(widths)}')
    if mask_channels != channels:
        raise ValueError(
            f'a shortcut needs mask_channels, {mask_channels}, and out_channels, '
            f'{channels}, to be the same'
        )
