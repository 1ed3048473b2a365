"""The same weights and the same predictions, in and out of both hosts."""

import copy

import numpy as np
import pytest
import torch
from mmdet.evaluation.metrics import YouTubeVISMetric as MMDetMetric
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.hub import get_config
from mmengine.registry import DATASETS
from mmengine.structures import InstanceData
from tiny_vist import CONFIGS
from ytvis_kit import CLASSES, LENGTH, STOCK, at_scale, tiny_mmtrack_model

from mmvist.evaluation import VISMetric
from mmvist.evaluation.numpy_aliases import NumPyWithAliases
from mmvist.registry import MODELS

SCALE = (144, 96)
VALID = 'annotations/youtube_vis_2019_valid.json'


def mmtrack_dataset(folder):
    cfg = get_config(STOCK).test_dataloader.dataset.to_dict()
    cfg.update(
        data_root=str(folder / 'data/youtube_vis_2019/'),
        pipeline=at_scale(cfg['pipeline'], SCALE),
    )
    return DATASETS.build(cfg)


def mmdet_dataset(folder):
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/kitti_mots.py').test_dataloader
    cfg.dataset.update(
        data_root=str(folder / 'data/youtube_vis_2019/'),
        ann_file=VALID,
        data_prefix=dict(img_path='valid/JPEGImages'),
        metainfo=dict(classes=CLASSES),
        pipeline=at_scale(cfg.dataset.pipeline, SCALE),
    )
    return DATASETS.build(cfg.dataset)


def models():
    """One model for each host, with the same weights."""
    settings = tiny_mmtrack_model()
    other = copy.deepcopy(settings)
    other['data_preprocessor']['type'] = 'mmdet.TrackDataPreprocessor'
    theirs, ours = MODELS.build(settings).eval(), MODELS.build(other).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def test_the_same_weights_give_the_same_instances(mmtrack_scope, youtube_vis):
    in_mmtrack, in_mmdet = models()
    theirs, ours = mmtrack_dataset(youtube_vis), mmdet_dataset(youtube_vis)
    shown = 0
    for video in range(2):
        whole = in_mmdet.test_step(pseudo_collate([ours[video]]))[0]
        for t, expected in enumerate(whole.video_data_samples):
            batch = pseudo_collate([theirs[video * LENGTH + t]])
            [sample] = in_mmtrack.test_step(batch)
            assert sample.img_path == expected.img_path
            assert_same_instances(
                sample.pred_track_instances, expected.pred_track_instances
            )
            shown += len(sample.pred_track_instances)
    assert shown > 4 * LENGTH, 'a test of nothing'


def assert_same_instances(one, other):
    assert one.keys() == other.keys()
    for name in one.keys():  # noqa: SIM118
        assert torch.equal(one[name], other[name]), name


def predictions(truth, rng):
    """The truth of a frame, damaged: shifted masks, lost and exchanged objects."""
    if len(truth) == 0:
        truth = np.zeros((2, 60, 90), dtype=np.uint8)
        truth[0, :9, :9] = truth[1, 50:, 80:] = 1  # false alarms
    kept = rng.random(len(truth)) > 0.2
    masks = np.stack([one for one, keep in zip(truth, kept) if keep] or [truth[0]])
    masks = np.roll(masks, rng.integers(-3, 4), axis=2)
    rows = np.flatnonzero(kept) if kept.any() else np.array([0])
    swapped = rng.random() < 0.2
    return InstanceData(
        masks=torch.from_numpy(masks.astype(bool)),
        bboxes=torch.zeros(len(rows), 4),
        labels=torch.from_numpy(rows),
        scores=torch.from_numpy(rng.uniform(0.3, 1, len(rows))),
        instances_id=torch.from_numpy(1 - rows if swapped else rows),
    )


@pytest.mark.parametrize('seed', range(3))
def test_mmtracks_ap_equals_mmdets(mmtrack_scope, youtube_vis, seed, monkeypatch):
    from mmdet.evaluation.functional import ytviseval
    from mmtrack.evaluation import YouTubeVISMetric as MMTrackMetric

    monkeypatch.setattr(ytviseval, 'np', NumPyWithAliases('numpy'))  # mmdet 3.3
    dataset = mmtrack_dataset(youtube_vis)
    items = ['mAP', 'mAP_50', 'mAP_75', 'AR@1', 'AR@10']
    ann_file = str(youtube_vis / 'data/youtube_vis_2019' / VALID)
    theirs = MMTrackMetric(metric_items=items)
    host = MMDetMetric(metric_items=items)
    ours = VISMetric(ann_file=ann_file, metric_items=items)
    for metric in (theirs, host, ours):
        metric.dataset_meta = dataset.metainfo
    rng = np.random.default_rng(seed)
    for video in range(2):
        frames = []
        for t in range(LENGTH):
            sample = dataset[video * LENGTH + t]['data_samples']
            masks = sample.gt_instances.masks.resize(sample.ori_shape).to_ndarray()
            sample.pred_track_instances = predictions(masks, rng)
            theirs.process(None, [sample.to_dict()])
            ours.process(None, [sample.to_dict()])
            frames.append(_as_mmdet(sample))
        whole = TrackDataSample(video_data_samples=frames)
        host.process(None, [whole.to_dict()])
    numbers = theirs.evaluate(2 * LENGTH)
    assert numbers == host.evaluate(2)
    exact = ours.evaluate(2)
    for name, value in numbers.items():
        assert value == pytest.approx(exact[name], abs=5.001e-4), name
    assert 0 < numbers['youtube_vis/segm_mAP'] < 1, 'a test of nothing'


def _as_mmdet(sample):
    frame = DetDataSample(metainfo=dict(sample.metainfo))
    frame.set_metainfo(dict(ori_video_length=sample.video_length))
    frame.pred_track_instances = sample.pred_track_instances.clone()
    return frame


def test_ap_is_zero_where_nothing_is_found(mmtrack_scope, youtube_vis):
    from mmtrack.evaluation import YouTubeVISMetric

    dataset = mmtrack_dataset(youtube_vis)
    metric = YouTubeVISMetric()
    metric.dataset_meta = dataset.metainfo
    for t in range(LENGTH):
        sample = dataset[t]['data_samples']
        sample.pred_track_instances = InstanceData(
            masks=torch.zeros(0, 60, 90, dtype=torch.bool),
            bboxes=torch.zeros(0, 4),
            labels=torch.zeros(0, dtype=torch.long),
            scores=torch.zeros(0),
            instances_id=torch.zeros(0, dtype=torch.long),
        )
        metric.process(None, [sample.to_dict()])
    numbers = metric.evaluate(LENGTH)
    assert numbers['youtube_vis/segm_mAP'] == 0 and len(numbers) == 6
