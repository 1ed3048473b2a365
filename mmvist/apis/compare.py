"""A prediction beside the truth of the same video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmvist.evaluation.truth import Truth, TruthFrame, TruthVideo
from mmvist.visualization import align_identities, draw_instances, side_by_side

from .inference import FrameResult


def compare_video(
    results: Iterable[FrameResult],
    video: TruthVideo,
    truth: Truth,
    title: str = 'prediction',
) -> Iterator[np.ndarray]:
    """Draw each frame twice: as predicted, and as it is.

    An object has the same colour and number on both sides as long as the
    prediction keeps the identity that it gives the object in most frames (see
    :func:`align_identities`): a switch shows as two sides that differ. The whole
    video is held in memory.

    Args:
        results: One result for each frame of ``video``, in order.
        video: A video of ``truth``.
        truth: As :func:`mmvist.evaluation.truth.load_truth` reads it.
        title: Caption of the prediction.

    Yields:
        One uint8 BGR picture a frame.

    Raises:
        ValueError: The results are not as many as the frames.
    """
    results = list(results)
    real = [truth_instances(frame, truth) for frame in video.frames]
    numbers = align_identities(real, [result.instances for result in results])
    names = tuple(truth.categories)
    for result, instances in zip(results, real, strict=True):
        ids = [numbers[one] for one in instances.instances_id.tolist()]
        instances.instances_id = torch.tensor(ids, dtype=torch.long)
        seen = draw_instances(result.image, result.instances, result.class_names)
        here = f'truth (clip {video.name}, frame {result.frame_id})'
        yield side_by_side(
            [(title, seen), (here, draw_instances(result.image, instances, names))]
        )


def truth_instances(frame: TruthFrame, truth: Truth) -> InstanceData:
    """The instances of an annotated frame.

    Args:
        frame: One of ``truth``.
        truth: Names the categories; their order gives the labels.

    Returns:
        ``masks`` (N, H, W) bool, ``labels`` and ``instances_id`` (N,) long.
    """
    masks = np.zeros((len(frame.rles), frame.height, frame.width), dtype=bool)
    for mask, rle in zip(masks, frame.rles, strict=True):
        mask[:] = coco_mask.decode(rle)
    label_of = {
        category: label for label, category in enumerate(truth.categories.values())
    }
    return InstanceData(
        masks=torch.from_numpy(masks),
        labels=torch.tensor([label_of[c] for c in frame.category_ids]).long(),
        instances_id=torch.tensor(frame.instance_ids).long(),
    )
