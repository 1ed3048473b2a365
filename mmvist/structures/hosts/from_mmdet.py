"""The training batch of MMDetection."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from torch import Tensor

from mmvist.structures.clip import Clip, KnownInstances

from .common import known_instances, no_instances


def clip_from_mmdet(inputs: Tensor, data_samples: Sequence[TrackDataSample]) -> Clip:
    """Unpack a batch made by ``AdjacentFrameSample`` and ``PackTrackInputs``.

    Args:
        inputs: (N, 3, 3, H, W): t-1, t and t+1.
        data_samples: N samples of three frames with the metainfo
            ``is_first``, ``has_next`` and ``instance_ages``.

    Raises:
        ValueError: The batch has not three frames, or lacks that metainfo.
    """
    if inputs.dim() != 5 or inputs.shape[1] != 3:
        raise ValueError(
            'VAEVIST trains on three adjacent frames (N, 3, C, H, W), got '
            f'{tuple(inputs.shape)}: put mmvist.AdjacentFrameSample in the pipeline'
        )
    known, current, has_next = [], [], []
    for sample in data_samples:
        before, now = sample[0], sample[1]
        missing = {'is_first', 'has_next', 'instance_ages'} - set(now.metainfo_keys())
        if missing:
            raise ValueError(
                f'the data samples lack {sorted(missing)}: pack them with '
                "PackTrackInputs(meta_keys=('is_first', 'has_next', 'instance_ages'))"
            )
        current.append(now)
        has_next.append(bool(now.has_next))
        known.append(_known_instances(before, inputs.shape[-2:], inputs.device))
    return Clip(
        frame=inputs[:, 1],
        prev_frame=inputs[:, 0],
        next_frame=inputs[:, 2],
        has_next=torch.tensor(has_next, device=inputs.device),
        known=known,
        data_samples=current,
    )


def _known_instances(
    sample: DetDataSample, size: Sequence[int], device: torch.device
) -> KnownInstances:
    instances = sample.gt_instances
    if sample.is_first or len(instances) == 0:
        return no_instances(size, device)
    return known_instances(
        instances.bboxes,
        instances.labels,
        instances.instances_ids,
        instances.masks,
        sample.instance_ages,
        size,
    )
