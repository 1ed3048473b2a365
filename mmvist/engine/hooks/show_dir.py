"""Painted test frames on disk: ``tools/test.py --show-dir``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmcv
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.visualization import TrackLocalVisualizer
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmvist.datasets.transforms.load_frame import picture_of
from mmvist.registry import HOOKS
from mmvist.structures.exclusive import unpack_masks
from mmvist.structures.hosts import flat_samples


@HOOKS.register_module()
class ShowDirHook(Hook):
    """Paint the tracked instances of every test frame into a folder.

    ``mmdet.TrackVisualizationHook`` names the folder of a video by the third part
    of the path from the end, so that in KITTI's layout the videos overwrite each
    other; here it is the video's id: ``<show_dir>/<video_id>/<frame file>``.

    Args:
        show_dir: Where the pictures go.
        score_thr: Instances with a lower score are left out.
    """

    def __init__(self, show_dir: str, score_thr: float = 0.3) -> None:
        self.show_dir = Path(show_dir)
        self.score_thr = score_thr
        self._visualizer: TrackLocalVisualizer | None = None

    def before_test(self, runner: Runner) -> None:
        """Take the class names from the data set."""
        self._visualizer = TrackLocalVisualizer(name='show_dir')
        self._visualizer.dataset_meta = dict(
            getattr(runner.test_dataloader.dataset, 'metainfo', {})
        )

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[TrackDataSample | DetDataSample] | None = None,
    ) -> None:
        """Paint the frames of one step: one frame each, or a whole video."""
        for sample in outputs or ():
            for frame in flat_samples(sample):
                self._paint(frame)

    def _paint(self, frame: DetDataSample) -> None:
        frame = frame.cpu().clone()
        instances = frame.pred_track_instances
        if isinstance(instances.get('masks'), list):
            masks = unpack_masks(instances.pop('masks'), frame.ori_shape[:2])
            instances.masks = masks
        if isinstance(instances.get('masks'), Tensor):
            instances.masks = instances.masks.numpy()
        path = Path(frame.img_path)
        self._visualizer.add_datasample(
            path.name,
            mmcv.bgr2rgb(picture_of(frame)),
            data_sample=frame,
            draw_gt=False,
            pred_score_thr=self.score_thr,
            out_file=str(self.show_dir / f'{frame.video_id:04}' / path.name),
        )
