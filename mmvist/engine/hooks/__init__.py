"""Hooks of training and testing."""

from .batch_norm_sync import BatchNormSyncHook
from .checkpoint import CheckpointHook
from .finite_loss import FiniteLossHook
from .progress_bar import ProgressBarHook
from .show_dir import ShowDirHook
from .step_seed import StepSeedHook
from .unreadable_frames import UnreadableFramesHook

__all__ = [
    'BatchNormSyncHook',
    'CheckpointHook',
    'FiniteLossHook',
    'ProgressBarHook',
    'ShowDirHook',
    'StepSeedHook',
    'UnreadableFramesHook',
]
