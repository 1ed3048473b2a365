"""The training batch of MMTracking 1.0, recognised by its form alone.

Nothing of ``mmtrack`` is imported: a batch is told by its dict of key and
reference frames, whichever dataset made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import BaseDataElement, InstanceData
from torch import Tensor

from mmvist.structures.clip import Clip, KnownInstances

from .common import known_instances, no_instances

ADJACENT = (
    'ref_img_sampler=dict(num_ref_imgs=2, frame_range=[-1, 1], filter_key_img=True, '
    "method='bilateral_uniform')"
)
"""MMTracking's own sampling that gives t-1 and t+1."""


def clip_from_mmtrack(
    inputs: dict[str, Tensor], data_samples: Sequence[BaseDataElement]
) -> Clip:
    """Unpack a batch of MMTracking's ``PackTrackInputs``.

    Frames are told apart by ``frame_id`` and ``ref_frame_id``, which that
    transform packs by default. Without t-1 the sample is a first frame: at the
    start of the video, or where a second reference frame is a copy of t, which
    ``mmvist.AdjacentYouTubeVISDataset`` puts there. Without t+1 the video ends.
    Ages of lost instances are the ``age`` of the instances of t-1, which
    ``mmvist.AdjacentYouTubeVISDataset`` writes; MMTracking's own sampling knows
    of none.

    Args:
        inputs: ``img`` (N, 1, 3, H, W) holds t; ``ref_img`` (N, R, 3, H, W) its
            neighbours, in any order; absent where there is none.
        data_samples: N samples with ``gt_instances`` of t and
            ``ref_gt_instances`` of all R reference frames together.

    Raises:
        ValueError: There is more than one key frame, a reference frame is not a
            neighbour of t or a neighbour that exists is not among them, or the
            metainfo does not number the frames.
    """
    keys, refs = inputs['img'], inputs.get('ref_img')
    if keys.dim() != 5 or keys.shape[1] != 1:
        raise ValueError(
            f'VAEVIST trains on one key frame (N, 1, C, H, W), got {tuple(keys.shape)}:'
            ' set num_key_frames=1 in PackTrackInputs'
        )
    if refs is not None and refs.shape[-2:] != keys.shape[-2:]:
        raise ValueError(
            f'the frames of a clip have two sizes, {tuple(keys.shape[-2:])} and '
            f'{tuple(refs.shape[-2:])}: set share_random_params=True in '
            'TransformBroadcaster'
        )
    size, device = keys.shape[-2:], keys.device
    num_refs = 0 if refs is None else refs.shape[1]
    before, after, known, current, has_next = [], [], [], [], []
    for row, sample in enumerate(data_samples):
        prev_row, next_row = _neighbours(sample, num_refs)
        frame = keys[row, 0]
        before.append(frame if prev_row is None else refs[row, prev_row])
        after.append(frame if next_row is None else refs[row, next_row])
        has_next.append(next_row is not None)
        known.append(
            no_instances(size, device)
            if prev_row is None
            else _known_instances(sample, prev_row, num_refs, size, device)
        )
        current.append(_sample_of_key_frame(sample))
    return Clip(
        frame=keys[:, 0],
        prev_frame=torch.stack(before),
        next_frame=torch.stack(after),
        has_next=torch.tensor(has_next, device=device),
        known=known,
        data_samples=current,
    )


def _neighbours(
    sample: BaseDataElement, num_refs: int
) -> tuple[int | None, int | None]:
    """Which reference frames are t-1 and t+1."""
    meta = sample.metainfo
    if 'frame_id' not in meta or (num_refs and 'ref_frame_id' not in meta):
        raise ValueError(
            'the data samples lack frame_id or ref_frame_id: keep them in the '
            'default_meta_keys of PackTrackInputs'
        )
    now = int(meta['frame_id'])
    frame_ids = [int(one) for one in _per_frame(meta.get('ref_frame_id'), num_refs)]
    has_next = now + 1 < meta.get('video_length', 0)
    plays_first = now in frame_ids and len(frame_ids) > 1
    if (
        any(abs(one - now) > 1 for one in frame_ids)
        or (has_next and now + 1 not in frame_ids)
        or (now > 0 and now - 1 not in frame_ids and not plays_first)
    ):
        raise ValueError(
            f'VAEVIST trains on t-1, t and t+1; frame {now} came with {frame_ids}: set '
            f'{ADJACENT} in the dataset, or take mmvist.AdjacentYouTubeVISDataset'
        )
    rows = {frame_id: row for row, frame_id in enumerate(frame_ids)}
    return rows.get(now - 1), rows.get(now + 1)


def _per_frame(value: Any, num_refs: int) -> list:
    """Metainfo of R frames: MMTracking packs a single one without its list."""
    return [value][:num_refs] if num_refs < 2 else list(value)


def _known_instances(
    sample: BaseDataElement,
    row: int,
    num_refs: int,
    size: Sequence[int],
    device: torch.device,
) -> KnownInstances:
    instances = sample.ref_gt_instances
    if len(instances) == 0:
        return no_instances(size, device)
    raw = _per_frame(sample.metainfo.get('ref_instances'), num_refs)
    ages = {one['instance_id']: one.get('age', 0) for one in raw[row]}
    rows = (instances.map_instances_to_img_idx == row).nonzero()[:, 0]
    return known_instances(
        instances.bboxes[rows],
        instances.labels[rows],
        instances.instances_id[rows],
        instances.masks[rows.cpu().numpy()],
        ages,
        size,
    )


def _sample_of_key_frame(sample: BaseDataElement) -> DetDataSample:
    """The sample of t as MMDetection's heads read it."""
    current = DetDataSample(metainfo=sample.metainfo)
    current.gt_instances = _renamed(sample.gt_instances)
    ignored = sample.get('ignored_instances')
    if ignored is not None and 'bboxes' in ignored:
        current.ignored_instances = _renamed(ignored)
    return current


def _renamed(instances: InstanceData) -> InstanceData:
    """``instances_id`` of MMTracking is ``instances_ids`` in MMDetection."""
    names = dict(
        bboxes='bboxes', labels='labels', masks='masks', instances_id='instances_ids'
    )
    fields = {new: instances[old] for old, new in names.items() if old in instances}
    fields['labels'] = fields['labels'].long()
    fields['instances_ids'] = fields['instances_ids'].long()
    return InstanceData(**fields)
