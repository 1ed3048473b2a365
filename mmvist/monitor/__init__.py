"""Training watched: what a model sees and what its latent does, as it learns."""

from .latent_statistics import ActiveUnits, quantiles
from .validation_clips import ValidationClips
from .vist_visualization_hook import VISTVisualizationHook

__all__ = ['ActiveUnits', 'VISTVisualizationHook', 'ValidationClips', 'quantiles']
