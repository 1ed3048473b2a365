"""Videos with instance masks, of any class list."""

import os.path as osp
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
from mmdet.datasets import BaseVideoDataset

from mmvist.datasets.converters.cocovid import check_inside
from mmvist.datasets.converters.frames import frame_size
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError
from mmvist.datasets.frame_size import check_frame_size
from mmvist.datasets.rng import seeded_rng
from mmvist.registry import DATASETS

_MALFORMED = (ValueError, KeyError, TypeError, IndexError, OverflowError)
"""What entries of another type or size raise wherever they are read."""


@DATASETS.register_module()
class MOTSDataset(BaseVideoDataset):
    """A CocoVID-style annotation file, made by one of our converters.

    It differs from its parent in five points: the class list comes from the
    config and its order is that of the labels; frames without objects are kept,
    so that neighbours stay neighbours; frames of a video are sorted; a sample
    whose index carries a seed draws its augmentation from that seed alone; and
    a file that does not fit is named in one sentence.

    Args:
        ann_file: The json file.
        metainfo: ``dict(classes=(...))``; car and pedestrian by default. Objects
            of other classes are dropped.
        filter_cfg: As the parent's; the default keeps every frame.

    Raises:
        DataError: If the file is missing, or lacks a class.

    Example:
        >>> dataset = MOTSDataset(  # doctest: +SKIP
        ...     ann_file='annotations/train.json',
        ...     data_root='data/synthetic',
        ...     data_prefix=dict(img_path='training/image_02'))
        >>> info = dataset.get_data_info(0)  # doctest: +SKIP
        >>> info['images'][5]['instances'][0]['instance_id']  # doctest: +SKIP
        1
    """

    METAINFO = dict(
        classes=('car', 'pedestrian'),
        palette=[(66, 135, 245), (245, 130, 48)],
    )

    def __init__(
        self, *args: Any, filter_cfg: dict | None = None, **kwargs: Any
    ) -> None:
        if filter_cfg is None:
            filter_cfg = dict(filter_empty_gt=False)
        super().__init__(*args, filter_cfg=filter_cfg, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Load the file; see the parent.

        Returns:
            One dict a video with ``images`` in the order of ``frame_id``.
        """
        if not osp.exists(self.ann_file) and '://' not in self.ann_file:
            raise DataError(
                f'{self.ann_file}: no such annotation file; make it with a script '
                'of tools/dataset_converters'
            )
        self._labels_checked = False
        try:
            data_list = super().load_data_list()
            for video in data_list:
                video['images'].sort(key=lambda image: image['frame_id'])
        except DataError:
            raise
        except (*_MALFORMED, AssertionError, RecursionError) as error:
            raise DataError(
                f'{self.ann_file}: is no CocoVID-style annotation file '
                f'({type(error).__name__}: {error}); make it anew'
            ) from error
        if not data_list:
            raise DataError(f'{self.ann_file}: holds no frames')
        sizes: dict[tuple[int, int], tuple[int, int]] = {}
        self._size_of = {}
        for video in data_list:
            for image in video['images']:
                size = image['height'], image['width']
                where = f'{self.ann_file}: {image["img_path"]}'
                check_frame_size(size, where)
                _check_instances(image['instances'], size, where)
                self._size_of[image['img_id']] = sizes.setdefault(size, size)
        return data_list

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Parse one frame; see the parent."""
        if not self._labels_checked:
            self._align_labels()
            self._labels_checked = True
        name = raw_data_info['raw_img_info']['file_name']
        check_inside(name, self.ann_file)
        return super().parse_data_info(raw_data_info)

    def _align_labels(self) -> None:
        """Number the labels by the config's list; the parent goes by the file's."""
        classes = list(self.metainfo['classes'])
        ids = {cat['name']: cat_id for cat_id, cat in self.coco.cats.items()}
        missing = [name for name in classes if name not in ids]
        if missing:
            raise DataError(
                f'{self.ann_file}: has no class {missing[0]!r}, only '
                f'{sorted(ids)}; set metainfo=dict(classes=...) to match'
            )
        self.cat2label = {ids[name]: i for i, name in enumerate(classes)}

    def prepare_data(self, idx: Any) -> Any:
        """Get one sample through the pipeline.

        Args:
            idx: A video index, a pair ``(video index, frame index)``, or a
                :class:`~mmvist.datasets.FrameIndex`, whose ``seed`` then rules
                all random draws of this sample and of no other.

        Returns:
            What the pipeline returns.

        Raises:
            DataError: A frame is not of the size that its annotation says, or its
                file is empty.
        """
        seed = getattr(idx, 'seed', None)
        try:
            if seed is None:
                data = super().prepare_data(idx)
            else:
                data = self._seeded_data(idx, seed)
        except DataError:
            raise
        except (cv2.error, ValueError):  # of a frame that is no array of its size
            self._check_files(idx)
            raise
        self._check_sizes(data)
        return data

    def _seeded_data(self, idx: Any, seed: int) -> Any:
        with seeded_rng(seed):
            data = super().prepare_data(idx)
            # a pipeline may refuse a sample: the stand-in is drawn here, since
            # the parent would draw it from a generator that is not seeded
            for _ in range(self.max_refetch):
                if data is not None or self.test_mode:
                    break
                data = super().prepare_data(self._rand_another())
            return data

    def _check_files(self, idx: Any) -> None:
        """Name the frame that is empty or of another size: OpenCV, NumPy do not."""
        video = idx[0] if isinstance(idx, tuple) else idx
        for image in self.get_data_info(video)['images']:
            path = image['img_path']
            if not osp.isfile(path):
                continue
            if not osp.getsize(path):
                raise DataError(f'{path}: is empty (0 bytes); fetch it again')
            self._check_size(path, image['img_id'], frame_size(Path(path), False))

    def _check_sizes(self, data: Any) -> None:
        """Masks would be laid over a frame of another size without a word."""
        samples = data.get('data_samples') if isinstance(data, dict) else None
        for sample in getattr(samples, 'video_data_samples', []):
            found = sample.metainfo.get('ori_shape')
            if found:
                self._check_size(sample.img_path, sample.metainfo.get('img_id'), found)

    def _check_size(self, path: str, img_id: Any, found: Sequence[int]) -> None:
        size = self._size_of.get(img_id)
        if size and tuple(found) != size:
            raise DataError(
                f'{path}: is {found[1]} x {found[0]}, but its annotation in '
                f'{self.ann_file} is of {size[1]} x {size[0]}; convert the data anew, '
                'or fetch the frame again'
            )


def _check_instances(instances: list[dict], size: tuple[int, int], where: str) -> None:
    """Name the instance of a frame that cannot be what it says.

    Before its mask is decoded: pycocotools decodes a code of another size into
    whatever memory lies there, without a word.
    """
    for one in instances:
        if 'mask' in one:
            read_segmentation(one['mask'], size, where)
        for key in ('instance_id', 'bbox_label', 'ignore_flag'):
            value = one.get(key, 0)
            if not isinstance(value, int) or abs(value) >= 2**31:
                raise DataError(f'{where}: {key} {value!r} is no number for it')
