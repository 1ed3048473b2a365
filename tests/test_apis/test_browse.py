"""What is drawn of annotations and of samples, to the pixel."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from tiny_vist import tiny_config

from mmvist.apis import browse_annotations, browse_dataset
from mmvist.apis.training_sample import caption, header, sample_picture
from mmvist.datasets import FrameIndex
from mmvist.engine.errors import UserError
from mmvist.evaluation.truth import load_truth
from mmvist.testing import toy_dataset, toy_pipeline, write_toy_mots
from mmvist.visualization import identity_color


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    write_toy_mots(folder)
    return folder


def count(picture: np.ndarray, identity: int) -> int:
    """Pixels in the pure colour of an identity: its outline, box and label."""
    return int((picture == identity_color(identity)).all(axis=2).sum())


def toy_config(root: Path, **sample: object) -> Config:
    cfg = dict(
        default_scope='mmdet',
        model=tiny_config(),
        train_dataloader=dict(
            dataset=dict(
                type='mmvist.MOTSDataset',
                data_root=str(root),
                ann_file='annotations/train.json',
                data_prefix=dict(img_path='training/image_02'),
                pipeline=toy_pipeline(first_frame_prob=0.0, **sample),
            )
        ),
    )
    cfg['val_dataloader'] = dict(
        dataset=cfg['train_dataloader']['dataset']
        | dict(
            test_mode=True,
            pipeline=[
                dict(
                    type='TransformBroadcaster',
                    transforms=[
                        dict(type='LoadImageFromFile'),
                        dict(type='mmdet.Resize', scale=(48, 32), keep_ratio=True),
                    ],
                ),
                dict(type='mmdet.PackTrackInputs'),
            ],
        )
    )
    return Config(cfg)


def test_annotated_frames_show_who_is_there(root: Path) -> None:
    truth = load_truth(str(root / 'annotations/train.json'))
    images = root / 'training/image_02'
    pictures = list(browse_annotations(truth, images))
    assert len(pictures) == 6
    there = [[count(one, i) > 50 for i in (1, 2, 3)] for one in pictures]
    assert there[0] == [True, True, False]
    assert there[2] == [True, False, False]
    assert there[5] == [True, True, True]


def test_a_region_that_is_not_judged_is_hatched(root: Path) -> None:
    truth = load_truth(str(root / 'annotations/train.json'))
    frame = truth.videos[0].frames[0]
    plain = next(browse_annotations(truth, root / 'training/image_02'))
    frame.ignored.append((10, 10000, frame.rles.pop(0)))
    frame.instance_ids.pop(0), frame.category_ids.pop(0)
    hatched = next(browse_annotations(truth, root / 'training/image_02'))
    assert count(plain, 1) > 50 and count(hatched, 1) == 0
    bar = len(hatched) - 64 * 8
    # a quarter of the region is drawn over with light grey
    region = hatched[bar + 8 * 22 : bar + 8 * 32, 8 * 10 : 8 * 30]
    assert 0.15 < (region.min(axis=2) >= 150).mean() < 0.4


def test_frames_that_are_not_there(root: Path, tmp_path: Path) -> None:
    truth = load_truth(str(root / 'annotations/train.json'))
    with pytest.raises(UserError, match=r'000000\.png does not exist; --images'):
        next(browse_annotations(truth, tmp_path))
    with pytest.raises(UserError, match=r'^0007: there is no such video; .*: 0000'):
        next(browse_annotations(truth, tmp_path, ['0007']))
    (tmp_path / '0000').mkdir()
    cv2.imwrite(str(tmp_path / '0000/000000.png'), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(UserError, match='is 9 x 9, its annotation 96 x 64'):
        next(browse_annotations(truth, tmp_path))


def test_a_sample_names_its_frames_and_flags(root: Path) -> None:
    frames = list(toy_dataset(root)[FrameIndex(0, 3, 0)]['data_samples'])
    assert header(frames, '0000').split() == [
        *('0000', '96', 'x', '64', 'is_first=False', 'has_next=True')
    ]
    captions = [caption(frame, place, frames) for place, frame in enumerate(frames)]
    assert captions == ['t-1: frame 2', 't: frame 3', 't+1: frame 4']
    first = list(toy_dataset(root)[FrameIndex(0, 0, 0)]['data_samples'])
    assert caption(first[0], 0, first) == 't-1: none, a copy of t'
    last = list(toy_dataset(root)[FrameIndex(0, 5, 0)]['data_samples'])
    assert caption(last[2], 2, last) == 't+1: none, a copy of t'


def test_a_resized_and_flipped_sample_says_so(root: Path) -> None:
    dataset = toy_dataset(root, pipeline=toy_pipeline(scale=(48, 32), flip_prob=1.0))
    frames = list(dataset[FrameIndex(0, 3, 0)]['data_samples'])
    assert '48 x 32 (of 96 x 64)    flipped: horizontal' in header(frames, '0000')


def test_remembered_boxes_are_dashed_and_not_filled(root: Path) -> None:
    """The pedestrian is away in frame 2: at t = 3 it is a box of age 1."""
    packed = toy_dataset(root)[FrameIndex(0, 3, 0)]
    picture = sample_picture(packed, '0000', ('car', 'pedestrian'))
    panel = picture[-256:, :384]
    assert panel.shape == (256, 384, 3)
    # (70, 30, 80, 56) at four times its size; what is inside stays as it is
    before = packed['inputs'][0].numpy().transpose(1, 2, 0)
    assert np.abs(panel[4 * 45, 4 * 75].astype(int) - before[45, 75]).max() <= 2
    edge = panel[4 * 32 : 4 * 54, 4 * 70]
    dashes = (edge == identity_color(2)).all(axis=1).mean()
    assert 0.3 < dashes < 0.9
    # at t the pedestrian is still away, at t + 1 it is there and filled
    assert count(picture[-256:, 390:774], 2) == 0
    there = picture[-256:, 780:]
    assert np.abs(there[4 * 45, 4 * 75].astype(int) - before[45, 75]).max() > 30


def test_the_damaged_past_is_that_of_the_model(root: Path) -> None:
    [*_, picture] = browse_dataset(toy_config(root))
    again = [*browse_dataset(toy_config(root))][-1]
    other = [*browse_dataset(toy_config(root), seed=1)][-1]
    assert (picture == again).all() and (picture != other).any()
    # four panels of 384 pixels and three gaps; class c of two is (c + 1) / 2
    assert picture.shape[1] == 4 * 384 + 3 * 6
    panel = picture[-256:, -384:]
    assert set(np.unique(panel.reshape(-1, 3)[::7])) >= {0, 128, 255}
    assert all(count(panel, identity) > 20 for identity in (1, 3))
    [first, *_] = browse_dataset(toy_config(root))
    assert not first[-256:, -384:].any(), 'nothing is known before a first frame'


def test_random_draws_outside_are_left_alone(root: Path) -> None:
    before = torch.get_rng_state()
    assert len(list(browse_dataset(toy_config(root)))) == 6
    assert torch.equal(torch.get_rng_state(), before)


def test_a_test_set_shows_the_truth_that_its_pipeline_leaves_out(root: Path) -> None:
    [first, *_] = browse_dataset(toy_config(root), 'val')
    assert first.shape[1] == 384
    # the car's box (8, 20, 32, 34) of 96 x 64, now 384 pixels wide
    panel = first[-256:]
    assert count(panel, 1) > 50
    assert np.abs(panel[4 * 27, 4 * 12].astype(int) - (30, 40, 220)).max() > 30


def test_a_config_without_that_data(root: Path) -> None:
    cfg = toy_config(root)
    with pytest.raises(UserError, match='has no test_dataloader'):
        next(browse_dataset(cfg, 'test'))
    cfg.default_scope = 'mmtrack'
    with pytest.raises(UserError, match='give its annotation file instead'):
        next(browse_dataset(cfg))
    cfg = toy_config(root / 'elsewhere')
    with pytest.raises(UserError, match=r'train\.json of train_dataloader'):
        next(browse_dataset(cfg))


def test_a_detector_of_the_host_is_no_video_model(root: Path) -> None:
    """The configs of pretraining name their model without a scope."""
    cfg = toy_config(root)
    cfg.model = dict(type='MaskRCNN')
    assert next(browse_dataset(cfg)) is not None
    cfg.train_dataloader.dataset = dict(
        type='CocoDataset',
        ann_file=str(root / 'annotations/train.json'),
        data_prefix=dict(img=str(root)),
        metainfo=dict(classes=('car',)),
    )
    with pytest.raises(UserError, match='CocoDataset of train_dataloader is no video'):
        next(browse_dataset(cfg))
