"""SegmMetric: COCO mask AP of the frames, identities left aside."""

import contextlib
import io
from typing import Any

from pycocotools import mask as mask_utils
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmvist.registry import METRICS

from .frame_records import FrameRecord, FrameRecordMetric, log_text
from .table import format_table
from .truth import TruthFrame

ITEMS = ('mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l')
"""Places in ``COCOeval.stats``."""


@METRICS.register_module()
class SegmMetric(FrameRecordMetric):
    """COCO's average precision of masks, each frame a picture of its own.

    It tells a bad detector from a bad tracker: identities do not count. Truth is
    read from the annotation file; regions marked ``ignore`` or ``iscrowd`` are COCO
    crowds, of their class if that is evaluated and else of every class.

    Returned by ``evaluate`` with the prefix: segm_mAP, segm_mAP_50, segm_mAP_75,
    segm_mAP_s, segm_mAP_m, segm_mAP_l, and ``<class>/segm_mAP`` of each class with
    truth; -1 where there is no truth.

    Args:
        ann_file: CocoVID-style json.
        backend_args: MMEngine's file backend for ``ann_file``.
        collect_device: See ``FrameRecordMetric``.
        prefix: Of the names in the result.
    """

    default_prefix = 'coco'

    def compute_metrics(self, results: dict[int, FrameRecord]) -> dict[str, float]:
        """All numbers (see the class) from the records by image id."""
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator = self._evaluate(results)
        numbers = {
            f'segm_{item}': float(value) for item, value in zip(ITEMS, evaluator.stats)
        }
        # (thresholds, recalls, classes, areas, detections): all areas, 100
        precision = evaluator.eval['precision'][:, :, :, 0, -1]
        per_class = {
            name: float(precision[:, :, place].mean())
            for place, name in enumerate(self.classes)
            if (precision[:, :, place] > -1).any()
        }
        rows = [[name, value] for name, value in per_class.items()]
        log_text(
            format_table('COCO masks', ITEMS, [list(numbers.values())])
            + '\n'
            + format_table('mAP of each class', ['class', 'mAP'], rows)
        )
        return {
            **numbers,
            **{f'{name}/segm_mAP': value for name, value in per_class.items()},
        }

    def _evaluate(self, results: dict[int, FrameRecord]) -> COCOeval:
        # the evaluator orders classes by id: theirs are places in the class list
        place_of = {
            category: place
            for place, category in enumerate(self.truth.category_ids(self.classes), 1)
        }
        truth = COCO()
        truth.dataset = dict(
            images=[
                dict(id=frame.img_id, height=frame.height, width=frame.width)
                for frame in self.truth.frames.values()
            ],
            categories=[
                dict(id=place, name=name) for place, name in enumerate(self.classes, 1)
            ],
            annotations=[
                dict(id=number, **annotation)
                for number, annotation in enumerate(
                    (
                        one
                        for frame in self.truth.frames.values()
                        for one in _annotations(frame, place_of)
                    ),
                    1,
                )
            ],
        )
        truth.createIndex()
        found = [
            dict(
                image_id=record.img_id,
                category_id=int(label) + 1,
                score=float(score),
                segmentation=rle,
            )
            for record in results.values()
            for label, score, rle in zip(record.labels, record.scores, record.rles)
        ]
        # the host's loadRes looks at the first result, so it needs one
        predicted = truth.loadRes(found) if found else COCO()
        if not found:
            predicted.dataset = dict(truth.dataset, annotations=[])
            predicted.createIndex()
        evaluator = COCOeval(truth, predicted, 'segm')
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
        return evaluator


def _annotations(frame: TruthFrame, place_of: dict[int, int]) -> list[dict[str, Any]]:
    """Truth of a frame, crowds among it."""
    judged = [
        (place_of[category], rle, 0)
        for category, rle in zip(frame.category_ids, frame.rles)
        if category in place_of
    ]
    crowds = [
        (place, rle, 1)
        for category, _, rle in frame.ignored
        for place in (
            [place_of[category]] if category in place_of else place_of.values()
        )
    ]
    return [
        dict(
            image_id=frame.img_id,
            category_id=place,
            segmentation=rle,
            area=float(mask_utils.area(rle)),
            bbox=[float(side) for side in mask_utils.toBbox(rle)],
            iscrowd=crowd,
        )
        for place, rle, crowd in [*judged, *crowds]
    ]
