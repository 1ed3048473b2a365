"""MOTSMetric: multi-object tracking and segmentation by TrackEval."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmvist.registry import METRICS

from .frame_records import FrameRecord, FrameRecordMetric, log_text
from .mots_files import (
    MOTS_FORMATS,
    check_png_classes,
    check_video_names,
    write_mots,
)
from .rle import disjoint_rles, merge_rles
from .table import format_table
from .truth import TruthFrame
from .video_results import write_video_results

# what a name in the result says about predictions that broke the rules
REPAIRS = {
    'repeated_ids_dropped': 'repeated ids dropped',
    'overlapping_pixels_removed': 'overlapping pixels removed',
    'empty_masks_dropped': 'empty masks dropped',
}


@METRICS.register_module()
class MOTSMetric(FrameRecordMetric):
    """sMOTSA and its relatives, per class and overall, for any class list.

    Truth is read from the annotation file; annotations marked ``ignore`` or
    ``iscrowd`` are class-free ignore regions, in which unmatched predictions
    do not count (by TrackEval's KITTI MOTS rules). Frames without a prediction
    count as empty. Where a frame has one id twice, the instance with the best
    score keeps it and the others are dropped; where masks overlap, the best
    score keeps the pixels; a mask without pixels is dropped. All three are
    counted in the result.

    Returned by ``evaluate``, with the prefix: for all classes together
    (counts summed, ratios of the sums) and as ``<class>/...`` for each class that
    is in the truth or was predicted sMOTSA, MOTSA, MOTSP, HOTA, DetA, AssA, IDF1
    (fractions, 1 is perfect) and TP, FP, FN, IDS, GT (counts of instances in frames);
    repeated_ids_dropped, overlapping_pixels_removed, empty_masks_dropped; and,
    when predictions carry ``kinds``, reliability/<kind>/{count, mean_score,
    precision, ece} for the kinds matched, propagated and new. Ratios of a class
    without truth are TrackEval's (minus the number of false positives) and
    shown as ``-`` in the table.

    To keep the best checkpoint by it, ``save_best='mots/sMOTSA'`` needs
    ``rule='greater'`` beside it: MMEngine cannot guess the rule from the name.

    Args:
        ann_file: CocoVID-style json.
        iou_thr: Least mask IoU of a hit.
        outfile_prefix: Folder for the predictions as MOTS txt, one file for
            each video (frame, id, category id, height, width, RLE; the frame's
            number is that of its file, as the benchmark counts).
        outfile_formats: ``txt``, ``png`` or both; as png the folder gets one for
            each video, of a 16-bit png a frame (category id * 1000 + instance).
        format_only: Write those files and compute nothing.
        videos_file: Json that gets what is counted in each video by itself, see
            :mod:`mmvist.evaluation.video_results`.
        backend_args: MMEngine's file backend for ``ann_file``.
        collect_device: See ``FrameRecordMetric``.
        prefix: Of the names in the result.

    Raises:
        ValueError: If ``format_only`` comes without ``outfile_prefix``, or a format
            is unknown.
        DataError: When it is fed, if two videos would share a file, or a png cannot
            hold a class.
    """

    default_prefix = 'mots'

    def __init__(
        self,
        ann_file: str,
        iou_thr: float = 0.5,
        outfile_prefix: str | None = None,
        outfile_formats: str | Sequence[str] = ('txt',),
        format_only: bool = False,
        videos_file: str | None = None,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(ann_file, backend_args, collect_device, prefix)
        if format_only and outfile_prefix is None:
            raise ValueError('format_only needs outfile_prefix to write to')
        if isinstance(outfile_formats, str):
            outfile_formats = [outfile_formats]
        unknown = [name for name in outfile_formats if name not in MOTS_FORMATS]
        if unknown or not outfile_formats:
            raise ValueError(
                f'outfile_formats {list(outfile_formats)}: known are {MOTS_FORMATS}'
            )
        self.iou_thr = iou_thr
        self.outfile_prefix = outfile_prefix
        self.outfile_formats = tuple(outfile_formats)
        self.format_only = format_only
        self.videos_file = videos_file

    def record(self, data_sample: Any) -> FrameRecord:
        """The record of one frame, its masks disjoint and none empty."""
        if self.outfile_prefix is not None and not self.results:
            # told at the first frame, not after hours of testing
            check_video_names(self.truth)
            if 'png' in self.outfile_formats:
                check_png_classes(self.classes, self.truth.category_ids(self.classes))
        record = super().record(data_sample)
        record.rles, record.overlap = disjoint_rles(record.rles, record.scores)
        areas = mask_utils.area(record.rles) if record.rles else np.zeros(0)
        record.emptied = int((areas == 0).sum())
        record.keep(np.flatnonzero(areas))
        return record

    def compute_metrics(self, results: dict[int, FrameRecord]) -> dict[str, float]:
        """All numbers (see the class) from the records by image id."""
        if self.outfile_prefix is not None:
            self._write(results, Path(self.outfile_prefix))
        if self.format_only:
            return {}
        with contextlib.redirect_stdout(io.StringIO()):  # TrackEval prints a lot
            from .trackeval_mots import COUNTS, combine_videos, judge_videos

            by_video, reliability = judge_videos(
                self.classes, self._sequences(results), self.iou_thr
            )
            per_class, overall = combine_videos(self.classes, by_video)
        if self.videos_file is not None:
            write_video_results(self.videos_file, self.classes, by_video)
        repairs = {
            'repeated_ids_dropped': sum(r.repeated_ids for r in results.values()),
            'overlapping_pixels_removed': sum(r.overlap for r in results.values()),
            'empty_masks_dropped': sum(r.emptied for r in results.values()),
        }
        per_class = {  # of forty classes most may be neither there nor predicted
            name: numbers
            for name, numbers in per_class.items()
            if numbers['GT'] or numbers['FP']
        }
        rows = [
            [name]
            + [v if numbers['GT'] or k in COUNTS else None for k, v in numbers.items()]
            for name, numbers in [*per_class.items(), ('overall', overall)]
        ]
        text = format_table('MOTS', ['class', *overall], rows) + '\n'
        text += ', '.join(f'{REPAIRS[key]}: {n}' for key, n in repairs.items())
        calibration = reliability.summary()
        if calibration:
            text += '\n\n' + reliability.table()
        log_text(text)
        return {
            **overall,
            **{f'{c}/{k}': v for c, n in per_class.items() for k, v in n.items()},
            **repairs,
            **{f'reliability/{k}': v for k, v in calibration.items()},
        }

    def _sequences(self, records: dict[int, FrameRecord]) -> Iterator[tuple[str, list]]:
        from .trackeval_mots import SequenceFrame

        label_of = {
            cat: label
            for label, cat in enumerate(self.truth.category_ids(self.classes))
        }

        def frame_of(truth: TruthFrame) -> SequenceFrame:
            used = [i for i, cat in enumerate(truth.category_ids) if cat in label_of]
            record = records.get(truth.img_id) or _empty_record(truth.img_id)
            masks: list[dict[str, Any]] = [dict(rle) for rle in record.rles]
            if record.kinds is not None:
                for mask, kind, score in zip(
                    masks, record.kinds, record.scores, strict=True
                ):
                    mask.update(kind=int(kind), score=float(score))
            return SequenceFrame(
                gt_ids=np.array([truth.instance_ids[i] for i in used], dtype=int),
                gt_labels=np.array(
                    [label_of[truth.category_ids[i]] for i in used], dtype=int
                ),
                gt_masks=[truth.rles[i] for i in used],
                pred_ids=record.ids,
                pred_labels=record.labels,
                pred_masks=masks,
                ignore_region=merge_rles([rle for *_, rle in truth.ignored]),
            )

        for video in self.truth.videos:
            if video.frames:
                yield str(video.id), [frame_of(frame) for frame in video.frames]

    def _write(self, records: dict[int, FrameRecord], folder: Path) -> None:
        category_ids = self.truth.category_ids(self.classes)
        write_mots(self.truth, records, category_ids, folder, self.outfile_formats)
        print_log(f'MOTS results are in {folder}', logger='current')


def _empty_record(img_id: int) -> FrameRecord:
    none = np.zeros(0, dtype=np.int64)
    return FrameRecord(img_id, none, np.zeros(0), none, [])
