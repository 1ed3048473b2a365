"""VISMetric: YouTube-VIS average precision for any class list."""

import contextlib
import io
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import mmengine
import numpy as np
from mmdet.evaluation.functional import YTVIS, YTVISeval
from mmdet.evaluation.metrics import YouTubeVISMetric
from mmengine.logging import print_log
from pycocotools import mask as mask_utils

from mmvist.files import whole_file
from mmvist.registry import METRICS

from .frame_records import FrameRecord, FrameRecordMetric, log_text
from .numpy_aliases import with_numpy_aliases
from .rle import merge_rles
from .table import format_table
from .truth import TruthVideo

# places in YTVISeval.stats, see its summarize()
STATS = (
    *('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l'),
    *('AR@1', 'AR@10', 'AR@100', 'AR_s@100', 'AR_m@100', 'AR_l@100'),
)


class CrowdYTVISeval(YTVISeval):
    """MMDetection's evaluator with COCO's rule for crowds.

    A track is ignored at threshold t if a share of at least t of its own pixels
    lies in a crowd region; its IoU with the whole region would say nothing.
    Truth without crowds is scored as by the parent.
    """

    accumulate = with_numpy_aliases(YTVISeval.accumulate)

    def computeIoU(self, vidId: int, catId: int) -> Any:  # noqa: N802, N803
        """IoU of each track, best score first, with each truth track."""
        ious = super().computeIoU(vidId, catId)
        crowds = [
            (i, gt) for i, gt in enumerate(self._gts[vidId, catId]) if gt['iscrowd']
        ]
        if len(ious) and crowds:
            tracks = self._dts[vidId, catId]
            order = np.argsort([-track['score'] for track in tracks], kind='mergesort')
            for row, track in enumerate(order[: len(ious)]):
                for column, gt in crowds:
                    ious[row, column] = _share_inside(
                        tracks[track]['segmentations'], gt['segmentations']
                    )
        return ious


@METRICS.register_module()
class VISMetric(FrameRecordMetric, YouTubeVISMetric):
    """MMDetection's ``YouTubeVISMetric`` for any class list and way of testing.

    What differs from the parent: truth comes from the annotation file; classes
    are those of the dataset; frames may come one by one; masks are kept as RLE;
    no prediction at all gives 0 instead of an error; a repeated id in a frame
    goes to the best score and is counted; numbers are not cut to three digits;
    regions marked ``ignore`` or ``iscrowd`` are COCO crowds, of their class if
    that is evaluated and else of every class; areas (mAP_s, mAP_m, mAP_l) are
    those of the masks, as in the official evaluation, not of the boxes.

    As in the parent, a track's score is the mean over its frames and its class
    the most frequent label (the lower one of equals). A class without truth is
    left out of the means; with no truth at all every number is -1.

    Returned by ``evaluate`` with the prefix: segm_mAP, segm_mAP_50,
    segm_mAP_75, segm_AR@1, segm_AR@10 (or ``metric_items``),
    ``<class>/segm_mAP`` of each class with truth, and repeated_ids_dropped.

    Args:
        ann_file: CocoVID-style json.
        metric_items: Names out of ``STATS``.
        outfile_prefix: ``<outfile_prefix>.json`` gets the tracks in YouTube-VIS
            format (category ids of the annotation file), and
            ``<outfile_prefix>.submission_file.zip`` the same as a submission.
        format_only: Write those files and compute nothing.
        backend_args: MMEngine's file backend for ``ann_file``.
        collect_device: See ``FrameRecordMetric``.
        prefix: Of the names in the result.

    Raises:
        ValueError: If ``format_only`` comes without ``outfile_prefix``.
        KeyError: If a metric item is unknown.
    """

    def __init__(
        self,
        ann_file: str,
        metric_items: Sequence[str] = ('mAP', 'mAP_50', 'mAP_75', 'AR@1', 'AR@10'),
        outfile_prefix: str | None = None,
        format_only: bool = False,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(
            ann_file,
            backend_args,
            collect_device,
            prefix,
            metric_items=tuple(metric_items),
            outfile_prefix=outfile_prefix,
            format_only=format_only,
        )
        if format_only and outfile_prefix is None:
            raise ValueError('format_only needs outfile_prefix to write to')
        unknown = [item for item in self.metric_items if item not in STATS]
        if unknown:
            raise KeyError(f'unknown metric items {unknown}, known are {STATS}')

    def compute_metrics(self, results: dict[int, FrameRecord]) -> dict[str, float]:
        """All numbers (see the class) from the records by image id."""
        tracks = [
            track
            for video in self.truth.videos
            for track in self._video_tracks(video, results)
        ]
        if self.outfile_prefix is not None:
            self.save_pred_results(tracks)
        if self.format_only:
            return {}
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator = self._evaluate_tracks(tracks)
        numbers = {
            f'segm_{item}': float(evaluator.stats[STATS.index(item)])
            for item in self.metric_items
        }
        # (thresholds, recalls, classes, areas, track limits): all areas, 100
        precision = evaluator.eval['precision'][:, :, :, 0, -1]
        place = {cat: i for i, cat in enumerate(evaluator.params.catIds)}
        per_class = {
            name: float(precision[:, :, place[cat]].mean())
            for name, cat in zip(
                self.classes, self.truth.category_ids(self.classes), strict=True
            )
            if (precision[:, :, place[cat]] > -1).any()
        }
        repeated = sum(record.repeated_ids for record in results.values())
        rows = [[name, value] for name, value in per_class.items()]
        log_text(
            format_table('YouTube-VIS', self.metric_items, [list(numbers.values())])
            + '\n'
            + format_table('mAP of each class', ['class', 'mAP'], rows)
            + f'\nrepeated ids dropped: {repeated}'
        )
        return {
            **numbers,
            **{f'{name}/segm_mAP': value for name, value in per_class.items()},
            'repeated_ids_dropped': repeated,
        }

    def save_pred_results(self, pred_results: list[dict]) -> None:
        """Write the tracks as json, and zipped as a submission; both or none."""
        with contextlib.ExitStack() as files:
            tracks, submission = (
                files.enter_context(whole_file(f'{self.outfile_prefix}{ending}'))
                for ending in ('.json', '.submission_file.zip')
            )
            mmengine.dump(pred_results, str(tracks))
            entry = zipfile.ZipInfo('results.json')  # of no date: the same bytes again
            entry.compress_type = zipfile.ZIP_DEFLATED
            with (
                zipfile.ZipFile(submission, 'w') as archive,
                archive.open(entry, 'w', force_zip64=True) as file,
                tracks.open('rb') as written,
            ):
                shutil.copyfileobj(written, file)
        print_log(
            f'YouTube-VIS results are in {self.outfile_prefix}.json', logger='current'
        )

    def _evaluate_tracks(self, tracks: list[dict]) -> YTVISeval:
        """Run the host's evaluator, which adds fields to ``tracks``."""
        truth = YTVIS(
            {
                'videos': [
                    {
                        'id': video.id,
                        'height': video.frames[0].height,
                        'width': video.frames[0].width,
                    }
                    for video in self.truth.videos
                    if video.frames
                ],
                'categories': [
                    {'id': cat, 'name': name}
                    for name, cat in zip(
                        self.classes,
                        self.truth.category_ids(self.classes),
                        strict=True,
                    )
                ],
                'annotations': self._truth_tracks(),
            }
        )
        # the host's loadRes looks at the first track, so it needs one
        predicted = truth.loadRes(tracks) if tracks else YTVIS({'annotations': []})
        evaluator = CrowdYTVISeval(truth, predicted, 'segm')
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
        return evaluator

    def _video_tracks(
        self, video: TruthVideo, records: dict[int, FrameRecord]
    ) -> list[dict[str, Any]]:
        """Predicted tracks of one video in YouTube-VIS format."""
        labels, scores = defaultdict(list), defaultdict(list)
        masks: dict[int, list] = defaultdict(lambda: [None] * len(video.frames))
        for time, frame in enumerate(video.frames):
            record = records.get(frame.img_id)
            if record is None:
                continue
            for i, track in enumerate(record.ids.tolist()):
                labels[track].append(record.labels[i])
                scores[track].append(record.scores[i])
                masks[track][time] = record.rles[i]
        category_ids = self.truth.category_ids(self.classes)
        return [
            {
                'video_id': video.id,
                'score': float(np.mean(scores[track])),
                'category_id': category_ids[np.bincount(labels[track]).argmax()],
                'segmentations': masks[track],
            }
            for track in masks
        ]

    def _truth_tracks(self) -> list[dict[str, Any]]:
        """Truth tracks, crowds among them, numbered from 1 over all videos."""
        tracks: dict[tuple, dict[str, Any]] = {}
        category_ids = self.truth.category_ids(self.classes)

        def add(
            video: TruthVideo, time: int, key: tuple, rle: dict, crowd: int
        ) -> None:
            # key: category, instance; 0 is no id, as the evaluator takes it for none
            track = tracks.setdefault(
                (video.id, crowd, *key),
                {
                    'id': len(tracks) + 1,
                    'video_id': video.id,
                    'category_id': key[0],
                    'iscrowd': crowd,
                    'segmentations': [None] * len(video.frames),
                    'areas': [None] * len(video.frames),
                },
            )
            if crowd and track['segmentations'][time]:
                rle = merge_rles([track['segmentations'][time], rle])
            track['segmentations'][time] = rle
            track['areas'][time] = float(mask_utils.area(rle))

        for video in self.truth.videos:
            for time, frame in enumerate(video.frames):
                for cat, instance, rle in zip(
                    frame.category_ids, frame.instance_ids, frame.rles, strict=True
                ):
                    if cat in category_ids:
                        add(video, time, (cat, instance), rle, crowd=0)
                for cat, _, rle in frame.ignored:
                    for target in [cat] if cat in category_ids else category_ids:
                        add(video, time, (target,), rle, crowd=1)
        return list(tracks.values())


def _share_inside(track: list, region: list) -> float:
    """Share of a track's pixels, over all frames, that lie in a region."""
    inside = sum(
        float(mask_utils.area(mask_utils.merge([mask, other], intersect=True)))
        for mask, other in zip(track, region, strict=True)
        if mask and other
    )
    total = sum(float(mask_utils.area(mask)) for mask in track if mask)
    return inside / total if total else 0.0
