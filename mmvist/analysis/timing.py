"""What S draws cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from mmengine.runner import Runner

from mmvist.models import VAEVIST
from mmvist.structures.hosts import unpack_frames
from mmvist.structures.track_state import VideoState


def step_times(
    runner: Runner, samples: Sequence[int], frames: int = 100
) -> dict[int, float]:
    """Median time of ``VAEVIST.step`` by number of draws, in seconds.

    Each frame is tracked with every number of draws, one after the other, so that
    whatever else the machine does falls on all of them.

    Args:
        runner: Of a ``VAEVIST`` whose weights are loaded, on the CPU.
        samples: Numbers of draws S.
        frames: How many frames of the test set, the first ones.
    """
    model: VAEVIST = runner.model.eval()
    before = model.num_samples
    states: dict[int, VideoState | None] = dict.fromkeys(samples)
    taken: dict[int, list[float]] = {count: [] for count in samples}
    try:
        for batch in runner.test_dataloader:
            data = model.data_preprocessor(batch, False)
            for frame, _ in unpack_frames(data['inputs'], data['data_samples']):
                for count in samples:
                    model.num_samples = count
                    start = time.perf_counter()
                    _, states[count] = model.step(frame, states[count])
                    taken[count].append(time.perf_counter() - start)
            if len(taken[samples[0]]) >= frames:
                break
    finally:
        model.num_samples = before
    return {count: median(times) for count, times in taken.items()}
