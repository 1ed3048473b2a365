"""Hooks of training and testing."""

from .progress_bar import ProgressBarHook
from .show_dir import ShowDirHook
from .step_seed import StepSeedHook

__all__ = ['ProgressBarHook', 'ShowDirHook', 'StepSeedHook']
