"""Using a trained model on whatever frames there are."""

from .frames import FrameSource, SourceError, open_source
from .inference import FrameResult, VISTInferencer

__all__ = [
    'FrameResult',
    'FrameSource',
    'SourceError',
    'VISTInferencer',
    'open_source',
]
