"""TrackR-CNN: what it learns from, and what it promises of any video."""

from dataclasses import replace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from tiny_track_rcnn import (
    TRACK_RCNN,
    clip_data,
    tiny_track_rcnn,
    tiny_track_rcnn_config,
    tracked,
)
from tiny_vist import test_data, tiny_rtmdet_config, toy_video

from mmvist.apis import VISTInferencer
from mmvist.datasets import FrameIndex
from mmvist.engine import VISTRunner
from mmvist.engine.dump import read_tracks
from mmvist.models import frame_detector
from mmvist.registry import MODELS
from mmvist.testing import toy_dataset, toy_frames, toy_pipeline, write_toy_mots

LENGTH = 9
SHOWS_ALL = dict(score_thr=0.0, max_distance=100.0)
FEATURES = {'backbone', 'temporal', 'neck'}
SHARED = FEATURES | {'shared_fcs'}
EXPECTED = {
    'loss_rpn_cls': FEATURES | {'rpn'},
    'loss_rpn_bbox': FEATURES | {'rpn'},
    'loss_cls': SHARED | {'fc_cls'},
    'loss_bbox': SHARED | {'fc_reg'},
    'loss_mask': FEATURES | {'mask'},
    'loss_association': SHARED | {'association'},
}


@pytest.fixture
def model():
    """Shows what an untrained model finds, the temporal layers not the identity."""
    torch.manual_seed(1)
    model = tiny_track_rcnn(tracker=SHOWS_ALL)
    for weight in model.temporal_convs.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    return model.eval()


@pytest.fixture
def video():
    return toy_video(LENGTH)


# ------------------------------------------------------------------ training


def one_class_data():
    """An association loss needs two identities of a class."""
    return clip_data(video=replace(toy_video(), labels=torch.tensor([0, 0])))


def losses_of(model, data):
    return model.loss(**model.data_preprocessor(data, True))


def test_which_loss_teaches_which_part():
    model = tiny_track_rcnn().train()
    roi_head = model.detector.roi_head
    groups = dict(
        backbone=model.detector.backbone,
        temporal=model.temporal_convs,
        neck=model.detector.neck,
        rpn=model.detector.rpn_head,
        shared_fcs=roi_head.bbox_head.shared_fcs,
        fc_cls=roi_head.bbox_head.fc_cls,
        fc_reg=roi_head.bbox_head.fc_reg,
        mask=roi_head.mask_head,
        association=roi_head.association_head,
    )
    groups = {name: list(one.parameters()) for name, one in groups.items()}
    assert sum(map(len, groups.values())) == len(list(model.parameters()))
    losses = losses_of(model, one_class_data())
    assert losses.keys() == EXPECTED.keys() | {'acc'}
    for name, reached in EXPECTED.items():
        value = losses[name]
        value = sum(value) if isinstance(value, list) else value
        found = set()
        for group, parameters in groups.items():
            gradients = torch.autograd.grad(
                value, parameters, retain_graph=True, allow_unused=True
            )
            if any(one is not None and one.any() for one in gradients):
                found.add(group)
        assert found == reached, name


@pytest.mark.parametrize('empty', [False, True])
def test_every_weight_gets_a_gradient(empty):
    """Of zero at least: data-parallel training waits for each."""
    model = tiny_track_rcnn().train()
    data = one_class_data()
    for clip in data['data_samples'] if empty else ():
        for sample in clip:
            sample.gt_instances = sample.gt_instances[torch.zeros(2).bool()]
    total, log = model.parse_losses(losses_of(model, data))
    total.backward()
    assert torch.isfinite(total) and (log['loss_association'] == 0) == empty
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing


def test_at_first_the_losses_are_those_without_temporal_layers():
    model = tiny_track_rcnn().train()
    data = model.data_preprocessor(clip_data(), True)
    torch.manual_seed(0)
    losses = model.loss(**data)
    torch.manual_seed(0)
    model._supervised(2, 4)  # draws, too
    features = model.detector.extract_feat(data['inputs'].flatten(0, 1))
    samples = [sample for clip in data['data_samples'] for sample in clip]
    expected, _ = frame_detector(model.detector).loss(features, samples)
    torch.testing.assert_close(
        model.parse_losses(losses)[0], model.parse_losses(expected)[0]
    )


def test_identities_of_two_videos_are_not_compared(monkeypatch):
    model = tiny_track_rcnn().train()
    data = model.data_preprocessor(clip_data(), True)
    for sample in data['data_samples'][1]:
        sample.set_metainfo(dict(video_id=2))
    given = {}
    head = model.detector.roi_head.association_head
    monkeypatch.setattr(
        head, 'loss', lambda *args: given.update(args=args) or args[0].sum()
    )
    model.loss(**data)
    embeddings, ids, groups, count = given['args']
    assert len(embeddings) == len(ids) == len(groups) < count == 8 * 64
    # class 0 is object 1, class 1 object 2; two videos of two classes
    pairs = set(zip(groups.tolist(), ids.tolist()))
    assert pairs == {(0, 1), (1, 2), (2, 1), (3, 2)}


def test_supervised_frames_are_some_of_each_clip():
    model = tiny_track_rcnn(supervised_frames=2).train()
    rows = [model._supervised(2, 8) for _ in range(50)]
    assert all(len(one) == 4 and one[1] < 8 <= one[2] for one in rows)
    assert {row for one in rows for row in one} == set(range(16))
    assert tiny_track_rcnn()._supervised(2, 3) == list(range(6))
    losses_of(model, clip_data())
    with pytest.raises(ValueError, match='supervised_frames is at least 1'):
        tiny_track_rcnn(supervised_frames=0)


def test_context_frames_matter_to_the_supervised():
    model = tiny_track_rcnn(supervised_frames=1).train()
    data = model.data_preprocessor(clip_data((0,)), True)
    inputs = data['inputs'].requires_grad_()
    torch.nn.init.constant_(model.temporal_convs.layers[0][0][0].weight, 0.1)
    model.parse_losses(model.loss(inputs, data['data_samples']))[0].backward()
    assert (inputs.grad.flatten(2).abs().sum(dim=2) > 0).sum() >= 3


def test_train_step_on_the_data_set(tmp_path):
    write_toy_mots(tmp_path)
    pipeline = toy_pipeline((77, 51), flip_prob=0.5)
    pipeline[0] = dict(type='mmvist.ConsecutiveFrameSample', num_frames=8)
    dataset = toy_dataset(tmp_path, pipeline=pipeline)
    data = pseudo_collate([dataset[FrameIndex(0, t, seed=t)] for t in (0, 5)])
    assert data['inputs'][0].shape == (8, 3, 51, 77)
    model = tiny_track_rcnn().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    log = model.train_step(data, OptimWrapper(optimizer))
    assert torch.isfinite(log['loss'])


def test_a_detector_without_association_is_refused():
    config = tiny_track_rcnn_config()
    config.detector = tiny_rtmdet_config().detector
    with pytest.raises(ValueError, match=r'mmvist\.AssociationRoIHead'):
        MODELS.build(config)


def c4_config():
    """C4 for the RPN, C5 and pooling for the RoIs, 3D layers on C4: the original."""
    config = tiny_track_rcnn_config(
        temporal_convs=dict(levels=(0,), channels=(256,)), tracker=SHOWS_ALL
    )
    detector, heads = config.detector, config.detector.roi_head
    detector.pop('neck')
    # the host's shared layer has the full width
    detector.backbone.update(
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        stem_channels=64,
        base_channels=64,
    )
    detector.rpn_head.update(in_channels=256)
    detector.rpn_head.anchor_generator.update(strides=[16], scales=[1, 2, 4])
    heads.shared_head = dict(
        type='mmdet.ResLayer', depth=18, stage=3, stride=2, style='pytorch'
    )
    for extractor in (heads.bbox_roi_extractor, heads.mask_roi_extractor):
        extractor.update(out_channels=256, featmap_strides=[16])
        extractor.roi_layer.output_size = 14
    heads.bbox_head.pop('fc_out_channels')
    heads.bbox_head.update(type='mmdet.BBoxHead', with_avg_pool=True, in_channels=512)
    heads.mask_head.update(in_channels=512, num_convs=0, conv_out_channels=16)
    heads.association_head.in_channels = 512
    detector.train_cfg.rcnn.mask_size = 14
    detector.train_cfg.rcnn.sampler.num = 8  # C5 runs for each RoI
    detector.test_cfg.rpn.max_per_img = detector.test_cfg.rcnn.max_per_img = 4
    return config


def test_the_original_has_no_fpn():
    model = MODELS.build(c4_config()).train()
    total, _ = model.parse_losses(losses_of(model, clip_data((0,), 3)))
    total.backward()
    assert torch.isfinite(total)
    assert model.temporal_convs.layers[0][0][0].weight.grad.any()
    found = tracked(model.eval(), toy_video(3), range(3))
    assert [t for t, _ in found] == [0, 1, 2] and all(len(one) for _, one in found)


# ------------------------------------------------------------------- testing


def assert_same(first, second):
    assert [t for t, _ in first] == [t for t, _ in second]
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert set(a.keys()) == set(b.keys())
        for key in a.keys():  # noqa: SIM118, of InstanceData
            assert torch.equal(a[key], b[key]), key


def test_contract(model, video):
    found = tracked(model, video, range(LENGTH))
    assert [t for t, _ in found] == list(range(LENGTH))
    seen = set()
    for _, one in found:
        count = len(one)
        assert count and one.masks.shape == (count, 60, 90)
        assert one.masks.dtype == torch.bool and one.masks.sum(0).max() <= 1
        assert one.masks.flatten(1).any(1).all()
        assert one.bboxes.shape == (count, 4) and one.scores.shape == (count,)
        assert len(one.instances_id.unique()) == count
        seen |= set(one.instances_id.tolist())
    assert len(seen) < sum(len(one) for _, one in found) / 2, 'linked'


@pytest.mark.parametrize(
    'cuts', [range(1, LENGTH), (4,), (1, 2, 7), (5, 8)], ids=lambda cuts: str([*cuts])
)
def test_however_a_video_is_cut_the_results_are_the_same(model, video, cuts):
    whole = tracked(model, video, range(LENGTH))
    ends = [0, *cuts, LENGTH]
    pieces = [
        one
        for start, end in zip(ends, ends[1:])
        for one in tracked(model, video, range(start, end))
    ]
    assert_same(pieces, whole)


def test_no_frame_loses_its_context(model, video):
    """Frame by frame equals the 3D convolutions over the whole video at once."""
    found = [one for t in range(LENGTH) for one in tracked(model, video, [t])]
    data = model.data_preprocessor(test_data(video, range(LENGTH)), False)
    with torch.no_grad():
        maps = model.detector.backbone(data['inputs'][0])
        features = model._features(model.temporal_convs(maps, LENGTH))
        for t, instances in found:
            one = tuple(level[t : t + 1] for level in features)
            sample = data['data_samples'][0][t]
            info = dict(sample.metainfo, batch_input_shape=(64, 96))
            boxes = model.frame_detector.detect(one, [info])[0].bboxes
            shown = instances.bboxes
            distance = torch.cdist(shown, boxes, p=float('inf')).amin(dim=1)
            assert len(shown) and distance.max() < 1e-2


def test_results_come_two_frames_late(model, video):
    calls = [[t for t, _ in tracked(model, video, [now])] for now in range(LENGTH)]
    last = [LENGTH - 3, LENGTH - 2, LENGTH - 1]
    assert calls == [[], [], *([t] for t in range(LENGTH - 3)), last]


def test_without_a_known_length_results_come_at_once(model, video):
    """With the past, without the future: as a camera is tracked."""
    once = [one for t in range(LENGTH) for one in calls_at(model, video, t)]
    whole = tracked(model, video, range(LENGTH))
    assert [t for t, _ in once] == list(range(LENGTH))
    torch.testing.assert_close(once[-1][1].bboxes, whole[-1][1].bboxes)
    for early in (0, 3):
        best = [frames[early][1].scores.max() for frames in (once, whole)]
        assert best[0] != best[1], 'the future changes what is seen'


def calls_at(model, video, t):
    return tracked(model, video, [t], ori_video_length=t + 1)


def test_a_stream_gives_each_frame_its_result():
    cfg = Config.fromfile(TRACK_RCNN)
    cfg.model = tiny_track_rcnn_config(tracker=SHOWS_ALL)
    cfg.test_dataloader.dataset.pipeline[0].transforms[1].scale = (96, 64)
    frames = toy_frames()[..., ::-1]
    results = list(VISTInferencer(cfg, device='cpu')(iter(frames)))
    assert [one.frame_id for one in results] == list(range(len(frames)))
    assert all(len(one.instances) for one in results)
    seen = [set(one.instances.instances_id.tolist()) for one in results]
    assert seen[0] & seen[-1], 'linked'


def test_a_video_that_breaks_off_is_finished_with_the_next(model, video):
    assert [t for t, _ in tracked(model, video, range(5))] == [0, 1, 2]
    found = tracked(model, video, range(LENGTH), video_id=2)
    assert [t for t, _ in found] == [3, 4, *range(LENGTH)]
    assert found[2][1].instances_id.min() == 1
    alone = tracked(model, video, range(LENGTH), video_id=3)
    assert_same(found[2:], alone)


def test_the_same_video_once_more(model, video):
    whole = tracked(model, video, range(LENGTH))
    tracked(model, video, range(5))
    assert_same(tracked(model, video, range(LENGTH)), whole)


def test_an_identity_is_not_reused_after_a_gap(model, video):
    tracked(model, video, range(4))
    found = dict(tracked(model, video, range(5, LENGTH)))
    assert list(found) == [2, 3, 5, 6, 7, 8]
    before = torch.cat([found[2].instances_id, found[3].instances_id])
    after = torch.cat([found[t].instances_id for t in range(5, LENGTH)])
    assert after.min() > before.max()


def test_frames_that_are_missing_in_the_data_delay_nothing_for_ever(model, video):
    """Numbers 0, 1, 5, 6, 7: the length says five."""
    found = []
    for number in (0, 1, 5, 6, 7):
        found += tracked(model, video, [number], ori_video_length=5)
    assert [t for t, _ in found] == [0, 1, 5, 6, 7]


def test_through_the_test_loop_every_frame_comes_once(tmp_path):
    write_toy_mots(tmp_path)
    cfg = Config.fromfile(TRACK_RCNN)
    cfg.model = tiny_track_rcnn_config(tracker=SHOWS_ALL)
    loader = cfg.test_dataloader
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.update(data_root=str(tmp_path))
    loader.dataset.pipeline[0].transforms[1].scale = (96, 64)
    dump = dict(type='mmvist.DumpTracks', out_file_path=str(tmp_path / 'tracks.pkl'))
    truth = str(tmp_path / 'annotations/val.json')
    cfg.test_evaluator = [dict(type='mmvist.MOTSMetric', ann_file=truth), dump]
    cfg.work_dir = str(tmp_path / 'work')
    numbers = VISTRunner.from_cfg(cfg).test()
    assert numbers['mots/TP'] + numbers['mots/FN'] == numbers['mots/GT'] == 13
    assert numbers['mots/FP'] > 0 == numbers['mots/overlapping_pixels_removed']
    tracks = read_tracks(tmp_path / 'tracks.pkl')
    assert [one['frame_id'] for one in tracks] == list(range(6))
    assert all(len(one['instances_id']) for one in tracks)


def test_what_is_kept_is_bounded(model):
    video = toy_video(30, step=1)
    sizes = set()
    for t in range(29):
        tracked(model, video, [t])
        held = model._window.frames
        sizes.add(
            sum(level.untyped_storage().nbytes() for one in held for level in one.maps)
        )
        assert len(held) <= 4 and not any('image' in vars(one) for one in held)
    assert len(sizes) == 4, 'grows over four frames, then no more'


def test_wrong_batches(model, video):
    data = test_data(video, [0])
    with pytest.raises(ValueError, match='one video at a time'):
        model.predict(torch.zeros(2, 1, 3, 64, 96), data['data_samples'] * 2)
    tracked(model, video, [0])
    other = toy_video(LENGTH, size=(60, 120))
    with pytest.raises(ValueError, match=r'\(64, 128\), the frame before \(64, 96\)'):
        tracked(model, other, [1])
