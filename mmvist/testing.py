"""A video of six frames whose every pixel is known, for tests and examples.

It can be written in KITTI MOTS, MOTSChallenge and YouTube-VIS layout.

Three rectangles in frames of 64 x 96: a car (id 1) that drives to the right by 4
pixels a frame; a pedestrian (id 2) that is away in frames 2 and 3; and a second
car (id 3) that comes in frame 3, in front of the first where they meet.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmvist.datasets import DataError, FrameIndex, MOTSDataset
from mmvist.datasets.converters import (
    MOTS_CHALLENGE_TRAIN,
    convert_kitti_mots,
    write_json,
    write_split_file,
)
from mmvist.datasets.converters.cocovid import encode_mask

TOY_SIZE = (64, 96)
"""Height and width in pixels."""
TOY_FRAMES = 6
# id in the annotation file -> value in the masks (class * 1000 + instance)
TOY_IDS = {1: 1001, 2: 2001, 3: 1002}
# the same objects as pedestrians, which MOTSChallenge has alone
TOY_PEDESTRIANS = {1001: 2002, 2001: 2001, 1002: 2003}

META_KEYS = ('is_first', 'has_next', 'instance_ages')


def toy_boxes(t: int) -> dict[int, tuple[int, int, int, int]]:
    """Whole boxes of frame ``t``, far to near.

    Returns:
        Annotation id to (x1, y1, x2, y2) in pixels, the ends exclusive.
    """
    boxes = {1: (8 + 4 * t, 20, 32 + 4 * t, 34)}
    if t not in (2, 3):
        boxes[2] = (70, 30, 80, 56)
    if t >= 3:
        boxes[3] = (28, 26, 52, 40)
    return boxes


def toy_masks() -> np.ndarray:
    """Visible pixels as (6, 64, 96) uint16, class * 1000 + instance."""
    masks = np.zeros((TOY_FRAMES, *TOY_SIZE), dtype=np.uint16)
    for t, mask in enumerate(masks):
        for identity, (x1, y1, x2, y2) in toy_boxes(t).items():
            mask[y1:y2, x1:x2] = TOY_IDS[identity]
    return masks


def toy_frames() -> np.ndarray:
    """Pictures as (6, 64, 96, 3) uint8, RGB: cars red, pedestrians green."""
    rows, cols = np.mgrid[: TOY_SIZE[0], : TOY_SIZE[1]]
    ground = np.stack([rows + 40, cols + 40, rows + cols], axis=-1) // 2
    frames = np.repeat(ground[None], TOY_FRAMES, axis=0).astype(np.uint8)
    for frame, mask in zip(frames, toy_masks(), strict=True):
        frame[mask // 1000 == 1] = (220, 40, 30)
        frame[mask // 1000 == 2] = (30, 210, 60)
        frame[mask == TOY_IDS[3]] = (230, 90, 30)
    return frames


def write_toy_mots(root: str | Path) -> Path:
    """Write the video in KITTI MOTS layout, as sequence 0000 of train and val.

    Returns:
        The annotation file, ``root/annotations/train.json``; ``val.json`` beside
        it holds the same.

    Raises:
        DataError: If ``root`` holds such a file already.
    """
    root = Path(root)
    _write_pictures(root / 'training/image_02/0000', toy_frames()[..., ::-1])
    _write_pictures(root / 'instances/0000', toy_masks())
    content = convert_kitti_mots(root, ['0000'])
    for split in ('train', 'val'):
        write_split_file(root / 'splits' / f'{split}.txt', ['0000'])
        write_json(content, root / 'annotations' / f'{split}.json')
    return root / 'annotations' / 'train.json'


def _write_pictures(folder: Path, pictures: np.ndarray, first: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for t, picture in enumerate(pictures, first):
        path = folder / f'{t:06}.png'
        if not cv2.imwrite(str(path), picture):
            raise DataError(f'{path}: cannot be written')


def toy_mots_txt(masks: np.ndarray, first: int = 0) -> str:
    """The truth as MOTS txt.

    Args:
        masks: (T, H, W), class * 1000 + instance.
        first: Number of the first frame: 0 in KITTI, 1 in MOTSChallenge.
    """
    return ''.join(
        f'{t} {value} {value // 1000} {mask.shape[0]} {mask.shape[1]} '
        f'{encode_mask(mask == value)["counts"].decode()}\n'
        for t, mask in enumerate(masks, first)
        for value in np.unique(mask[mask > 0]).tolist()
    )


def write_toy_mots_challenge(
    root: str | Path,
    sequences: Sequence[str] = MOTS_CHALLENGE_TRAIN,
    values: dict[int, int] = TOY_PEDESTRIANS,
) -> Path:
    """Write the video in MOTSChallenge layout, once for each sequence.

    No two neighbours among the sequences are of one length: 6, 5, 4, 6, ... frames.

    Args:
        root: Folder of the sequences.
        sequences: Their names.
        values: What the truth says for each value of :func:`toy_masks`.

    Returns:
        ``root``.
    """
    root = Path(root)
    masks = toy_masks()
    truth = np.zeros_like(masks)
    for value, written in values.items():
        truth[masks == value] = written
    height, width = TOY_SIZE
    for number, name in enumerate(sequences):
        length = TOY_FRAMES - number % 3
        pictures = toy_frames()[:length, ..., ::-1]
        _write_pictures(root / name / 'img1', pictures, first=1)
        (root / name / 'gt').mkdir()
        text = toy_mots_txt(truth[:length], first=1)
        (root / name / 'gt/gt.txt').write_text(text)
        (root / name / 'seqinfo.ini').write_text(
            f'[Sequence]\nname={name}\nseqLength={length}\n'
            f'imWidth={width}\nimHeight={height}\n'
        )
    return root


def write_toy_youtube_vis(
    images: str | Path, classes: Sequence[str], videos: int = 2
) -> dict:
    """Write the video's frames in YouTube-VIS layout, once for each video.

    Args:
        images: Folder that gets one folder a video.
        classes: All classes; the objects are of the first two.
        videos: How many.

    Returns:
        The content of the json file, with tracks of the whole video.
    """
    masks = toy_masks()
    content: dict[str, list] = dict(
        videos=[],
        categories=[dict(id=i, name=name) for i, name in enumerate(classes, 1)],
        annotations=[],
    )
    for video in range(1, videos + 1):
        _write_pictures(Path(images) / f'v{video}', toy_frames()[..., ::-1])
        content['videos'].append(
            dict(
                id=video,
                height=TOY_SIZE[0],
                width=TOY_SIZE[1],
                length=TOY_FRAMES,
                file_names=[f'v{video}/{t:06}.png' for t in range(TOY_FRAMES)],
            )
        )
        for value in TOY_IDS.values():
            content['annotations'].append(
                dict(
                    id=1 + len(content['annotations']),
                    video_id=video,
                    category_id=value // 1000,
                    iscrowd=0,
                    segmentations=[_rle(mask == value) for mask in masks],
                )
            )
    return content


def _rle(mask: np.ndarray) -> dict | None:
    """As json holds it, None where there is nothing."""
    if not mask.any():
        return None
    return dict(size=[*mask.shape], counts=encode_mask(mask)['counts'].decode())


def toy_pipeline(
    scale: tuple[int, int] = (96, 64), flip_prob: float = 0.0, **sample: Any
) -> list[dict]:
    """The training pipeline of the configs.

    Args:
        scale: (width, height) that frames are resized to, keeping their ratio.
        flip_prob: Of a horizontal flip, the same for the three frames.
        **sample: Of ``AdjacentFrameSample``.
    """
    return [
        dict(type='mmvist.AdjacentFrameSample', **sample),
        dict(
            type='TransformBroadcaster',
            share_random_params=True,
            transforms=[
                dict(type='LoadImageFromFile'),
                dict(type='mmdet.LoadTrackAnnotations', with_mask=True),
                dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
                dict(type='mmdet.RandomFlip', prob=flip_prob),
            ],
        ),
        dict(type='mmdet.PackTrackInputs', meta_keys=META_KEYS),
    ]


def toy_dataset(root: str | Path, **kwargs: Any) -> MOTSDataset:
    """The dataset of a folder made by :func:`write_toy_mots`.

    Args:
        root: The folder.
        **kwargs: Of ``MOTSDataset``; :func:`toy_pipeline` without first-frame
            draws by default.
    """
    kwargs.setdefault('pipeline', toy_pipeline(first_frame_prob=0.0))
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MOTSDataset(
            data_root=str(root),
            ann_file=kwargs.pop('ann_file', 'annotations/train.json'),
            data_prefix=dict(img_path='training/image_02'),
            **kwargs,
        )


def toy_batch(root: str | Path, frames: tuple[int, ...] = (1, 4)) -> dict:
    """What a training loader gives: one sample for each key frame.

    Args:
        root: An empty folder, or one made by :func:`write_toy_mots`.
        frames: Key frames t, 0 to 5.

    Returns:
        ``inputs``, a list of (3, 3, 64, 96) uint8 tensors (frames t-1, t, t+1 in
        BGR), and ``data_samples``, a list of ``TrackDataSample``.
    """
    if not (Path(root) / 'annotations').exists():
        write_toy_mots(root)
    dataset = toy_dataset(root)
    return pseudo_collate([dataset[FrameIndex(0, t, seed=t)] for t in frames])
