"""Running things: the runner, its hooks, checkpoints and processes."""

from .checkpoint import load_checkpoint, load_weights
from .distributed import CPUDistributedDataParallel, init_cpu_group
from .dump import DumpTracks, read_tracks
from .errors import CheckpointError, IncompleteError, UserError
from .hooks import (
    BatchNormSyncHook,
    FiniteLossHook,
    ProgressBarHook,
    ShowDirHook,
    StepSeedHook,
    UnreadableFramesHook,
)
from .runner import VISTRunner
from .seeding import seed_all

__all__ = [
    'BatchNormSyncHook',
    'CPUDistributedDataParallel',
    'CheckpointError',
    'DumpTracks',
    'FiniteLossHook',
    'IncompleteError',
    'ProgressBarHook',
    'ShowDirHook',
    'StepSeedHook',
    'UnreadableFramesHook',
    'UserError',
    'VISTRunner',
    'init_cpu_group',
    'load_checkpoint',
    'load_weights',
    'read_tracks',
    'seed_all',
]
