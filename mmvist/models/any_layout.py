"""Operators of MMCV, which read maps (N, C, h, w) in one layout alone."""

from __future__ import annotations

import torch
from mmcv.ops import RoIAlign
from torch import Tensor, nn

from .roi_align import SeparableRoIAlign


def read_any_layout(module: nn.Module) -> None:
    """Let the operators of MMCV in a module take maps in any layout.

    A RoIAlign becomes a :class:`SeparableRoIAlign`. The others (deformable convolution,
    CARAFE, RoIPool, ...) take any layout for that of (N, C, h, w), and most go on with
    wrong numbers without a word: they get their weights back in that layout, and copies
    of maps.
    """
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is RoIAlign and not child.use_torchvision:
                separable = SeparableRoIAlign(
                    child.output_size,
                    child.spatial_scale,
                    child.sampling_ratio,
                    child.pool_mode,
                    child.aligned,
                )
                setattr(parent, name, separable)
            elif _is_of_mmcv(child) and not isinstance(child, SeparableRoIAlign):
                child.to(memory_format=torch.contiguous_format)
                if _contiguous not in child._forward_pre_hooks.values():
                    child.register_forward_pre_hook(_contiguous)


def _is_of_mmcv(module: nn.Module) -> bool:
    return any(kind.__module__.startswith('mmcv.ops.') for kind in type(module).__mro__)


def _contiguous(layer: nn.Module, inputs: tuple) -> tuple:
    return tuple(one.contiguous() if isinstance(one, Tensor) else one for one in inputs)
