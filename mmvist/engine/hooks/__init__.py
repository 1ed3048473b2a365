"""Hooks of training and testing."""

from .progress_bar import ProgressBarHook
from .show_dir import ShowDirHook
from .step_seed import StepSeedHook
from .vist_visualization_hook import VISTVisualizationHook

__all__ = [
    'ProgressBarHook',
    'ShowDirHook',
    'StepSeedHook',
    'VISTVisualizationHook',
]
