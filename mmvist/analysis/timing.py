"""What S draws cost."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from mmengine.runner import Runner

from mmvist.benchmark.side_by_side import Race
from mmvist.engine.errors import UserError
from mmvist.models import VAEVIST
from mmvist.structures.hosts import unpack_frames
from mmvist.structures.track_state import VideoState

WARMUP = 2
"""Frames that do not count."""


def step_times(runner: Runner, samples: Sequence[int], frames: int = 100) -> Race:
    """Times of ``VAEVIST.step``, by the number of draws written out ('4').

    Each frame is tracked with every number of draws, one after the other and beginning
    with another one each time, so that whatever else the machine does falls on all of
    them. The first frames do not count.

    Args:
        runner: Of a ``VAEVIST`` whose weights are loaded.
        samples: Numbers of draws S.
        frames: How many frames of the test set, the first ones.

    Raises:
        UserError: There are no more than :data:`WARMUP`.
    """
    model: VAEVIST = runner.model.eval()
    before = model.num_samples
    states: dict[int, VideoState | None] = dict.fromkeys(samples)
    taken: dict[int, list[float]] = {count: [] for count in samples}
    try:
        for batch in runner.test_dataloader:
            data = model.data_preprocessor(batch, False)
            for frame, _ in unpack_frames(data['inputs'], data['data_samples']):
                first = len(taken[samples[0]]) % len(samples)
                for count in (*samples[first:], *samples[:first]):
                    model.num_samples = count
                    start = time.perf_counter()
                    _, states[count] = model.step(frame, states[count])
                    if frame.image.is_cuda:
                        torch.cuda.synchronize(frame.image.device)
                    taken[count].append(time.perf_counter() - start)
            if len(taken[samples[0]]) >= frames:
                break
    finally:
        model.num_samples = before
    if len(taken[samples[0]]) <= WARMUP:
        raise UserError(f'times want more than {WARMUP} frames')
    return Race({str(count): times[WARMUP:] for count, times in taken.items()})
