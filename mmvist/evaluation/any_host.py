"""Results as either host hands them to a metric."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet.evaluation.metrics import BaseVideoMetric
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

_META_KEYS = ('img_id', 'video_id', 'frame_id', 'img_path', 'unreadable')


class AnyHostMetric(BaseVideoMetric):
    """A video metric that MMTracking's test loop can feed too.

    MMDetection hands over samples of several frames (``video_data_samples``),
    MMTracking one flat sample a frame. A subclass defines ``process_video`` and
    ``process_image``, which get frames of one kind. An empty sample is that of a
    model that knows nothing before a video is over.
    """

    def process(self, data_batch: Any, data_samples: Sequence[Mapping]) -> None:
        """Take a batch in.

        Args:
            data_batch: Not used.
            data_samples: What the model returned, as dicts.
        """
        for sample in data_samples:
            if 'video_data_samples' in sample:
                super().process(data_batch, [sample])
            elif sample:
                self.process_image([_frame_of(sample)], sample.get('video_length', 1))


def _frame_of(sample: Mapping) -> DetDataSample:
    frame = DetDataSample(
        metainfo={key: sample[key] for key in _META_KEYS if key in sample}
    )
    frame.pred_track_instances = InstanceData(**sample['pred_track_instances'])
    return frame
