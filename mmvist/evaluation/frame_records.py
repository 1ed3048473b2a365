"""What the metrics of this package have in common.

Frames may arrive one at a time or as whole videos, on one process or several:
each becomes a small record with RLE masks, and the records of all processes are
put together in the order of the annotation file. So every way of testing gives
the same numbers.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.logging import MMLogger, print_log

from mmvist.structures.hosts import class_names

from .any_host import AnyHostMetric
from .rle import Rle, encode_masks, first_by_score
from .truth import Truth, load_truth


@dataclass
class FrameRecord:
    """Predictions of one frame; every field has one entry per instance."""

    img_id: int
    labels: np.ndarray  # (N,) index in the class list
    scores: np.ndarray  # (N,) float64
    ids: np.ndarray  # (N,)
    rles: list[Rle]  # N masks, original pixels
    kinds: np.ndarray | None = None  # (N,) kind of box, where the model says it
    repeated_ids: int = 0  # dropped: a better one has the id
    overlap: int = 0  # pixels taken from masks that overlapped a better one
    emptied: int = 0  # dropped: no pixel (left)

    def keep(self, index: np.ndarray) -> None:
        """Keep the instances at ``index`` (N',), in that order."""
        self.labels, self.scores = self.labels[index], self.scores[index]
        self.ids, self.rles = self.ids[index], [self.rles[i] for i in index]
        if self.kinds is not None:
            self.kinds = self.kinds[index]


class FrameRecordMetric(AnyHostMetric):
    """Collect frame records; a subclass computes its numbers from them.

    Args:
        ann_file: CocoVID-style json with the ground truth.
        backend_args: MMEngine's file backend for ``ann_file``.
        collect_device: As in every metric; records travel as objects through
            the process group whatever it says.
        prefix: Of the metric names.
    """

    def __init__(
        self,
        ann_file: str,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, **kwargs)
        self.ann_file = ann_file
        self.backend_args = backend_args

    @cached_property
    def truth(self) -> Truth:
        """The annotation file, read once."""
        return load_truth(self.ann_file, self.backend_args)

    @property
    def classes(self) -> list[str]:
        """Class list of the dataset under test; a label is an index in it.

        Raises:
            RuntimeError: If no dataset has told its classes.
        """
        classes = class_names((self.dataset_meta or {}).get('classes'))
        if not classes:
            raise RuntimeError(
                f'{type(self).__name__} needs `dataset_meta["classes"]`; the '
                'runner sets it from the dataset'
            )
        return list(classes)

    def process_video(self, data_samples: Sequence[Any]) -> None:
        """Record all frames of a video."""
        for sample in data_samples:
            self.results.append(self.record(sample))

    def process_image(self, data_samples: Sequence[Any], video_len: int) -> None:
        """Record some frames of a video of ``video_len`` frames."""
        self.process_video(data_samples)

    def record(self, data_sample: Any) -> FrameRecord:
        """Make the record of one frame.

        Args:
            data_sample: ``DetDataSample`` with ``img_id`` and
                ``pred_track_instances``: labels (N,), scores (N,), instances_id
                (N,), masks (N, H, W) in original pixels, optionally kinds (N,).

        Raises:
            ValueError: If masks are missing or of another size than the image,
                a label is not in the class list, or the annotation file does
                not know the image.
        """
        img_id, pred = data_sample.img_id, data_sample.pred_track_instances
        if data_sample.metainfo.get('unreadable'):
            pred = pred[:0]  # whatever the model saw in the black frame
        if img_id not in self.truth.frames:
            raise ValueError(f'{self.ann_file} has no image {img_id}')
        if 'masks' not in pred:
            raise ValueError(
                f'{type(self).__name__} scores masks; the predictions of image '
                f'{img_id} have {sorted(pred.keys())}'
            )
        frame = self.truth.frames[img_id]
        record = FrameRecord(
            img_id=img_id,
            labels=_to_numpy(pred.labels).astype(np.int64),
            scores=_to_numpy(pred.scores).astype(np.float64),
            ids=_to_numpy(pred.instances_id).astype(np.int64),
            rles=encode_masks(pred.masks),
            kinds=_to_numpy(pred.kinds).astype(np.int64) if 'kinds' in pred else None,
        )
        for rle in record.rles:
            if rle['size'] != [frame.height, frame.width]:
                raise ValueError(
                    f'masks of image {img_id} are {rle["size"]}, the image is '
                    f'{[frame.height, frame.width]} (height, width): predictions '
                    'must be in original pixels'
                )
        if len(record.labels) and not (
            record.labels.min() >= 0 and record.labels.max() < len(self.classes)
        ):
            raise ValueError(
                f'image {img_id}: labels from {record.labels.min()} to '
                f'{record.labels.max()}, but there are {len(self.classes)} classes'
            )
        unique = first_by_score(record.ids, record.scores)
        record.repeated_ids = len(record.ids) - len(unique)
        record.keep(unique)
        return record

    def evaluate(self, size: int = 1) -> dict[str, float]:
        """Compute the metric on the main process from everyone's frames.

        Args:
            size: Not used: frames are counted against the annotation file.

        Returns:
            The numbers, names prefixed, on every process.
        """
        records: dict[int, FrameRecord] = {}
        # a sampler that pads may have shown a frame twice: the first counts
        for record in chain.from_iterable(all_gather_object(self.results)):
            records.setdefault(record.img_id, record)
        self.results.clear()
        metrics: list[dict[str, float]] = [{}]
        if is_main_process():
            self._warn_about_gaps(records)
            computed = self.compute_metrics(records)
            metrics = [
                {
                    f'{self.prefix}/{k}' if self.prefix else k: v
                    for k, v in computed.items()
                }
            ]
        broadcast_object_list(metrics)
        return metrics[0]

    def _warn_about_gaps(self, records: dict[int, FrameRecord]) -> None:
        absent = len(self.truth.frames) - len(records)
        if absent:
            print_log(
                f'{type(self).__name__}: no prediction came for {absent} of '
                f'{len(self.truth.frames)} frames of {self.ann_file}; they count '
                'as empty',
                logger='current',
                level=logging.WARNING,
            )
        unknown = [name for name in self.classes if name not in self.truth.categories]
        if unknown:
            print_log(
                f'{type(self).__name__}: {self.ann_file} has no category '
                f'{", ".join(unknown)}; it has {", ".join(self.truth.categories)}',
                logger='current',
                level=logging.WARNING,
            )


def log_text(text: str) -> None:
    """Write a block of text to the current log, starting on a line of its own."""
    MMLogger.get_current_instance().info('\n' + text)


def _to_numpy(values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values)
