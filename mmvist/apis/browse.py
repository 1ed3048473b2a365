"""What is annotated, and what a pipeline makes of it, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import mmcv
import mmengine
import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from pycocotools import mask as coco_mask

from mmvist.datasets.rng import mix_seed, seeded_rng
from mmvist.datasets.samplers import FrameIndex
from mmvist.engine.errors import UserError
from mmvist.engine.launch import check_data, inner_dataset
from mmvist.evaluation.truth import Truth, TruthFrame, TruthVideo
from mmvist.structures.hosts import class_names
from mmvist.visualization import draw_ignored, draw_instances, with_header

from .compare import truth_instances
from .training_sample import Damage, sample_picture


def browse_annotations(
    truth: Truth, images: Path, sequences: Sequence[str] = ()
) -> Iterator[np.ndarray]:
    """Draw the frames of an annotation file as they are.

    Args:
        truth: As :func:`mmvist.evaluation.truth.load_truth` reads it.
        images: Folder that its ``file_name`` are relative to.
        sequences: Names of videos; all by default.

    Yields:
        One uint8 BGR picture a frame, in order.

    Raises:
        UserError: There is no video of such a name, or a frame cannot be read.
    """
    names = [video.name for video in truth.videos]
    for row in _chosen(names, sequences):
        for frame in truth.videos[row].frames:
            yield _annotated(frame, truth.videos[row], truth, images)


def _annotated(
    frame: TruthFrame, video: TruthVideo, truth: Truth, images: Path
) -> np.ndarray:
    image = read_frame(images, frame)
    picture = draw_instances(
        image, truth_instances(frame, truth), tuple(truth.categories)
    )
    for _, _, rle in frame.ignored:
        draw_ignored(picture, coco_mask.decode(rle).astype(bool))
    count = f'{len(frame.rles)} instances'
    if frame.ignored:
        count += f', {len(frame.ignored)} ignored'
    return with_header(f'{video.name}, frame {frame.number}: {count}', picture)


def read_frame(images: Path, frame: TruthFrame) -> np.ndarray:
    """The picture of an annotated frame, (H, W, 3) uint8 BGR.

    Raises:
        UserError: It cannot be read, or is of another size than its annotation.
    """
    path = images / frame.file_name
    if not path.is_file():
        raise UserError(f'{path} does not exist; --images is the folder of the frames')
    # OpenCV raises at an empty file, else it gives nothing
    whole = path.stat().st_size > 0
    image = mmcv.imread(str(path), backend='cv2') if whole else None
    if image is None:
        raise UserError(f'{path} cannot be read as a picture')
    if image.shape[:2] != (frame.height, frame.width):
        raise UserError(
            f'{path} is {image.shape[1]} x {image.shape[0]}, its annotation '
            f'{frame.width} x {frame.height}'
        )
    return image


def browse_dataset(
    cfg: Config, split: str = 'train', sequences: Sequence[str] = (), seed: int = 0
) -> Iterator[np.ndarray]:
    """Draw what a config's data set hands over after its pipeline.

    Args:
        cfg: Of MMDetection's kind, with ``<split>_dataloader``. Where its model is
            a ``VAEVIST``, its damage of Lambda_{t-1} and b_{t-1} is shown too.
        split: ``'train'``, ``'val'`` or ``'test'``.
        sequences: Names of videos; all by default.
        seed: Of the random draws. Each sample has its own, so that it is the same
            whichever are drawn before it.

    Yields:
        One uint8 BGR picture a sample, in the order of the frames.

    Raises:
        UserError: The config has no such data set, or one that is not a video set
            of MMDetection, or there is no video of such a name.
    """
    loader = f'{split}_dataloader'
    if not cfg.get(loader):
        raise UserError(f'config {cfg.filename} has no {loader}')
    if cfg.get('default_scope') == 'mmtrack':
        raise UserError(
            f"config {cfg.filename} packs MMTracking's samples, which are not drawn; "
            'give its annotation file instead'
        )
    check_data(cfg, [loader])
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    config = inner_dataset(cfg[loader].dataset)
    with seeded_rng(seed):
        damage = Damage.of_model(cfg.model) if split == 'train' else None
    for part in config.get('datasets') or [config]:
        dataset = DATASETS.build(inner_dataset(part))
        if not hasattr(dataset, 'get_len_per_video'):
            raise UserError(
                f'{type(dataset).__name__} of {loader} is no video set; '
                "MMDetection's tools/analysis_tools/browse_dataset.py draws pictures"
            )
        names = _video_names(dataset)
        classes = class_names(dataset.metainfo.get('classes'))
        for video in _chosen(names, sequences):
            for frame in range(dataset.get_len_per_video(video)):
                index = FrameIndex(video, frame, mix_seed(seed, video, frame))
                with seeded_rng(index.seed):
                    packed = dataset[index]
                    yield sample_picture(packed, names[video], classes, damage)


def _video_names(dataset: object) -> list[str]:
    """Names by position; a file that has none names videos by their id."""
    videos = mmengine.load(dataset.ann_file).get('videos', [])
    name_of = {video['id']: str(video.get('name', video['id'])) for video in videos}
    ids = [dataset.get_data_info(i)['video_id'] for i in range(len(dataset))]
    return [name_of.get(one, str(one)) for one in ids]


def _chosen(names: list[str], sequences: Sequence[str]) -> list[int]:
    unknown = [name for name in sequences if name not in names]
    if unknown:
        raise UserError(
            f'{unknown[0]}: there is no such video; there are {len(names)}: '
            f'{", ".join(names[:20])}{", ..." if len(names) > 20 else ""}'
        )
    return [names.index(name) for name in sequences] or list(range(len(names)))
