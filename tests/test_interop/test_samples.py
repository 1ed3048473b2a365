"""One clip structure out of both hosts' data sets and pipelines."""

import random

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.hub import get_config
from mmengine.registry import DATASETS
from tiny_vist import CONFIGS
from ytvis_kit import CLASSES, LENGTH, STOCK, at_scale, tiny_mmtrack_model

from mmvist.registry import MODELS
from mmvist.structures import unpack_clip, unpack_frames

SCALE = (144, 96)
NEIGHBOURS = dict(
    num_ref_imgs=2, frame_range=[-1, 1], filter_key_img=True, method='bilateral_uniform'
)
ANN_FILE = 'annotations/youtube_vis_2019_train.json'


def of_mmtrack(folder, sampler, kind='mmvist.AdjacentYouTubeVISDataset', split='train'):
    cfg = get_config(STOCK)[f'{split}_dataloader'].dataset.to_dict()
    cfg.update(
        type=kind,
        data_root=str(folder / 'data/youtube_vis_2019/'),
        ref_img_sampler=sampler,
        pipeline=at_scale(cfg['pipeline'], SCALE),
    )
    if split == 'train':
        _without_flip(cfg['pipeline'])
    return DATASETS.build(cfg)


def of_mmdet(folder, **sampling):
    cfg = Config.fromfile(CONFIGS / '_base_/datasets/kitti_mots.py')
    dataset = cfg.train_dataloader.dataset
    dataset.update(
        data_root=str(folder / 'data/youtube_vis_2019/'),
        ann_file=ANN_FILE,
        data_prefix=dict(img_path='train/JPEGImages'),
        metainfo=dict(classes=CLASSES),
        pipeline=at_scale(dataset.pipeline, SCALE),
    )
    dataset.pipeline[0].update(sampling)
    _without_flip(dataset.pipeline)
    return DATASETS.build(dataset)


def _without_flip(pipeline):
    for step in pipeline:
        if 'transforms' in step:
            step['transforms'] = [
                one for one in step['transforms'] if 'Flip' not in one['type']
            ]


def clip_of(preprocessor, *samples):
    batch = pseudo_collate(list(samples))
    data = MODELS.build(preprocessor)(batch, True)
    return unpack_clip(data['inputs'], data['data_samples'])


def preprocessor(host):
    settings = tiny_mmtrack_model()['data_preprocessor']
    return dict(settings, type=f'{host}.TrackDataPreprocessor')


def assert_same_clip(ours, theirs):
    for name in ('frame', 'prev_frame', 'next_frame', 'has_next'):
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
    for one, other in zip(ours.known, theirs.known, strict=True):
        for name in ('ids', 'ages', 'labels', 'boxes', 'masks'):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
    for one, other in zip(ours.data_samples, theirs.data_samples, strict=True):
        one, other = one.gt_instances, other.gt_instances
        boxes = getattr(one.bboxes, 'tensor', one.bboxes)
        assert torch.equal(boxes, getattr(other.bboxes, 'tensor', other.bboxes))
        assert torch.equal(one.labels, other.labels)
        assert torch.equal(one.instances_ids, other.instances_ids)
        assert (one.masks.to_ndarray() == other.masks.to_ndarray()).all()


@pytest.mark.parametrize('first_frame_prob', [0, 1])
def test_both_hosts_give_the_same_clips(mmtrack_scope, youtube_vis, first_frame_prob):
    """Every frame is a sample, also one in which nothing is left."""
    sampling = dict(first_frame_prob=first_frame_prob, max_age=3)
    theirs = of_mmtrack(youtube_vis, sampling)
    ours = of_mmdet(youtube_vis, **sampling)
    assert len(theirs) == 2 * LENGTH
    ages = []
    for index in range(2 * LENGTH):
        video, t = divmod(index, LENGTH)
        one = clip_of(preprocessor('mmtrack'), theirs[index])
        assert_same_clip(one, clip_of(preprocessor('mmdet'), ours[(video, t)]))
        assert one.has_next.tolist() == [t < LENGTH - 1]
        known = one.known[0]
        assert (len(known) == 0) == (t == 0 or first_frame_prob == 1)
        ages += known.ages.tolist()
    assert set(ages) == (set() if first_frame_prob else {0, 1}), 'none was lost'


def test_mmtracks_own_sampling_gives_the_neighbours_too(mmtrack_scope, youtube_vis):
    """Where a neighbour is absent it gives fewer frames: a batch of one."""
    theirs = of_mmtrack(youtube_vis, NEIGHBOURS, 'mmtrack.YouTubeVISDataset')
    ours = of_mmdet(youtube_vis, first_frame_prob=0, max_age=0)
    for t in range(LENGTH):
        one = clip_of(preprocessor('mmtrack'), theirs[t])
        assert_same_clip(one, clip_of(preprocessor('mmdet'), ours[(0, t)]))


def test_a_batch_mixes_first_last_and_middle_frames(mmtrack_scope, youtube_vis):
    sampling = dict(first_frame_prob=0, max_age=3)
    theirs, ours = of_mmtrack(youtube_vis, sampling), of_mmdet(youtube_vis, **sampling)
    frames = [0, 2, LENGTH - 1, LENGTH + 1]
    pairs = [divmod(index, LENGTH) for index in frames]
    one = clip_of(preprocessor('mmtrack'), *[theirs[index] for index in frames])
    assert_same_clip(one, clip_of(preprocessor('mmdet'), *[ours[at] for at in pairs]))
    assert one.has_next.tolist() == [True, True, False, True]


def test_lost_instances_come_with_their_age(mmtrack_scope, youtube_vis, monkeypatch):
    dataset = of_mmtrack(youtube_vis, dict(first_frame_prob=0, max_age=3))
    original = dataset._get_ori_data_info

    def without_disc_from_frame_two_on(index):
        info = original(index)
        if info['frame_id'] >= 2:
            info['instances'] = [i for i in info['instances'] if i['instance_id'] == 10]
        return info

    monkeypatch.setattr(dataset, '_get_ori_data_info', without_disc_from_frame_two_on)
    known = clip_of(preprocessor('mmtrack'), dataset[4]).known[0]
    assert dict(zip(known.ids.tolist(), known.ages.tolist())) == {10: 0, 11: 2}
    known = clip_of(preprocessor('mmtrack'), dataset[3]).known[0]
    assert dict(zip(known.ids.tolist(), known.ages.tolist())) == {10: 0, 11: 1}


@pytest.mark.parametrize(
    ('sampler', 't'),
    [
        (get_config(STOCK).train_dataloader.dataset.ref_img_sampler.to_dict(), 0),
        (dict(NEIGHBOURS, num_ref_imgs=1, method='uniform'), 2),
        (dict(NEIGHBOURS, frame_range=[-1, 0], num_ref_imgs=1, method='uniform'), 2),
        (dict(NEIGHBOURS, frame_range=[0, 1], num_ref_imgs=1, method='uniform'), 2),
        (dict(NEIGHBOURS, frame_range=0), 2),
        (dict(NEIGHBOURS, frame_range=[-2, 2]), 2),
        (None, 2),
    ],
    ids=['stock', 'one of two', 'before', 'after', 'copies', 'farther', 'none'],
)
def test_other_frames_than_neighbours_are_refused(
    mmtrack_scope, youtube_vis, sampler, t
):
    """Silently, a neighbour that is left out would look like a video's border."""
    random.seed(1)
    dataset = of_mmtrack(youtube_vis, sampler, 'mmtrack.YouTubeVISDataset')
    if sampler is None:  # one frame a sample, packed as in testing
        dataset.pipeline = _of_single_frames()
    with pytest.raises(ValueError, match=rf'frame {t} came with \[.*\]: set ref_img_s'):
        for _ in range(20):
            clip_of(preprocessor('mmtrack'), dataset[t])


def _of_single_frames():
    pipeline = get_config(STOCK).test_dataloader.dataset.pipeline
    return Compose(at_scale(pipeline, SCALE))


def test_other_batches_are_refused():
    keys, refs = torch.zeros(1, 1, 3, 64, 64), torch.zeros(1, 2, 3, 96, 96)
    with pytest.raises(ValueError, match='share_random_params'):
        unpack_clip(dict(img=keys, ref_img=refs), [])
    with pytest.raises(ValueError, match='num_key_frames=1'):
        unpack_clip(dict(img=refs), [])
    with pytest.raises(ValueError, match='batch_size=1'):
        unpack_frames(dict(img=keys), [])


def test_masks_larger_than_the_input_are_refused(mmtrack_scope, youtube_vis):
    dataset = of_mmtrack(youtube_vis, dict(first_frame_prob=0))
    batch = pseudo_collate([dataset[1]])
    data = MODELS.build(preprocessor('mmtrack'))(batch, True)
    inputs = {key: value[..., :32, :32] for key, value in data['inputs'].items()}
    with pytest.raises(ValueError, match='are larger than the input of 32 x 32'):
        unpack_clip(inputs, data['data_samples'])


def test_a_class_list_in_either_spelling(mmtrack_scope, youtube_vis):
    cfg = get_config(STOCK).test_dataloader.dataset.to_dict()
    cfg['data_root'] = str(youtube_vis / 'data/youtube_vis_2019/')
    for key in ('classes', 'CLASSES'):
        dataset = DATASETS.build(dict(cfg, metainfo={key: ('giant_panda', 'dog')}))
        assert dataset.metainfo['classes'] == ('giant_panda', 'dog')
        labels = [one['bbox_label'] for one in dataset.get_data_info(0)['instances']]
        assert labels == [0], 'the disc is the only panda'


def test_wrong_sampling_is_said_when_the_dataset_is_made(mmtrack_scope, youtube_vis):
    with pytest.raises(TypeError, match='num_ref_imgs'):
        of_mmtrack(youtube_vis, NEIGHBOURS)


def test_test_frames(mmtrack_scope, youtube_vis):
    dataset = of_mmtrack(youtube_vis, None, 'mmtrack.YouTubeVISDataset', split='test')
    batch = pseudo_collate([dataset[3]])
    data = MODELS.build(preprocessor('mmtrack'))(batch, False)
    [(frame, sample)] = unpack_frames(data['inputs'], data['data_samples'])
    assert (frame.video_id, frame.frame_id) == (1, 3)
    assert frame.ori_shape == (60, 90) and frame.img_shape == (96, 144)
    assert frame.image.shape == (1, 3, 96, 160) and sample is data['data_samples'][0]
    np.testing.assert_allclose(frame.scale_factor, (1.6, 1.6))
