"""The detectors that VAE-VIST stands beside: :class:`FrameDetector`."""

from torch import nn

from .base import FrameDetector
from .single_stage import SingleStage
from .two_stage import TwoStage

__all__ = ['FrameDetector', 'SingleStage', 'TwoStage', 'frame_detector']


def frame_detector(detector: nn.Module) -> FrameDetector:
    """What the model asks, of a detector of MMDetection.

    Raises:
        ValueError: It is of neither kind.
    """
    for kind in (TwoStage, SingleStage):
        if isinstance(detector, kind.HOST):
            return kind(detector)
    raise ValueError(
        f'{type(detector).__name__} is neither a two-stage nor a single-stage '
        'detector of MMDetection (TwoStageDetector, SingleStageDetector)'
    )
