"""Hooks of training and testing."""

from .batch_norm_sync import BatchNormSyncHook
from .progress_bar import ProgressBarHook
from .show_dir import ShowDirHook
from .step_seed import StepSeedHook

__all__ = [
    'BatchNormSyncHook',
    'ProgressBarHook',
    'ShowDirHook',
    'StepSeedHook',
]
