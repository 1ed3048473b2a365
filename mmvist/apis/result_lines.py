"""Results as JSON Lines: one line a frame, written as it goes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from mmengine.structures import InstanceData

from mmvist.engine.errors import UserError
from mmvist.evaluation.rle import encode_masks

from .inference import FrameResult


class ResultLines:
    """Write results as JSON Lines; a context manager.

    Each line is the object of :func:`record_of` and is on disk before the next
    frame is looked at: the file can be read while it grows, and whatever ends the
    run, what is there is whole lines. Without a frame there is no file.

    Args:
        path: The file, in a folder that exists.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.frames = 0
        self._file: TextIO | None = None

    def __enter__(self) -> ResultLines:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            # what the disk did not take has been said by write
            with suppress(OSError):
                self._file.close()
            self._file = None

    def write(self, result: FrameResult) -> None:
        """Append a frame.

        Raises:
            UserError: The file cannot be written.
        """
        line = json.dumps(record_of(result)) + '\n'
        try:
            if self._file is None:
                self._file = self.path.open('w', encoding='utf-8')
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise UserError(
                f'{self.path} cannot be written: {error.strerror}'
            ) from None
        self.frames += 1


def record_of(result: FrameResult) -> dict[str, Any]:
    """A result as json holds it, in COCO's words.

    Returns:
        ``frame_id`` from 0, ``seconds`` since the first frame (null where the source
        does not know), ``height``, ``width``, and ``instances``, each with
        ``instance_id``, ``label`` and ``category`` (its name, where known),
        ``score``, ``bbox`` (x, y, width, height in pixels of the frame) and
        ``segmentation`` (compressed RLE); a model without masks leaves it out. Of a
        VAE-VIST with ``num_samples`` from 2 on also ``box_variance`` (of x1, y1, x2,
        y2 of the propagated box, square pixels; null of a new instance) and
        ``mask_variance`` (mean over the pixels of the mask).
    """
    instances = result.instances
    height, width = result.image.shape[:2]
    masks = encode_masks(instances.masks) if 'masks' in instances else None
    records = []
    for i in range(len(instances)):
        label = int(instances.labels[i])
        x1, y1, x2, y2 = (round(float(v), 2) for v in instances.bboxes[i])
        record = dict(
            instance_id=int(instances.instances_id[i]),
            label=label,
            category=result.class_names[label] if result.class_names else None,
            score=round(float(instances.scores[i]), 6),
            bbox=[x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
        )
        if masks is not None:
            record['segmentation'] = masks[i]
        if 'box_variances' in instances:
            record.update(_variances(instances[i]))
        records.append(record)
    return dict(
        frame_id=result.frame_id,
        seconds=None if result.seconds is None else round(result.seconds, 6),
        height=height,
        width=width,
        instances=records,
    )


def _variances(one: InstanceData) -> dict[str, Any]:
    """What the draws of z say of one instance, in a few numbers."""
    box = one.box_variances[0]
    mask = one.mask_variances[0][one.masks[0]].float()
    return dict(
        box_variance=None if box.isnan().any() else [float(v) for v in box],
        mask_variance=float(mask.mean()) if mask.numel() else 0.0,
    )
