"""RoIs and maps of frames of 128 x 192."""

import torch

ROIS = torch.tensor(
    [
        [0, 10.0, 12, 40, 60],
        [1, 0, 0, 192, 128],
        [1, 100, 30, 192, 128],
        [0, 3, 3, 5, 4],
        [1, 10.0, 12, 40, 60],
    ]
)


def roi_maps(count: int, channels: int) -> list[torch.Tensor]:
    """At strides 4, 8, 16, 32."""
    return [torch.rand(count, channels, 128 // s, 192 // s) for s in (4, 8, 16, 32)]
