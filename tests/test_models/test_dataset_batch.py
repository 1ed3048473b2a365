"""The model on what data set and pipeline hand over, not on samples of its tests."""

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from tiny_vist import tiny_model

from mmvist.datasets import FrameIndex
from mmvist.structures.hosts import clip_from_mmdet
from mmvist.testing import toy_batch, toy_dataset, toy_pipeline, write_toy_mots


def clip_of(model, root, frames):
    data = model.data_preprocessor(toy_batch(root, frames), True)
    return clip_from_mmdet(data['inputs'], data['data_samples'])


def test_what_is_known_of_a_video(tmp_path):
    """The pedestrian (2) is away in frames 2 and 3, the second car (3) enters in 3."""
    model = tiny_model(train_cfg=dict(drop_prob=0, num_jitters=1))
    clip = clip_of(model, tmp_path, (0, 2, 4))
    assert [known.ids.tolist() for known in clip.known] == [[], [1, 2], [1, 3, 2]]
    assert [known.ages.tolist() for known in clip.known] == [[], [0, 0], [0, 0, 2]]
    samples = model.training_samples.known(clip)
    assert [one.visible.tolist() for one in samples] == [[], [True, False], [True] * 3]
    levels = [one.combined_mask.unique().tolist() for one in samples]
    assert levels == [[0], [0, 0.5, 1], [0, 0.5]], 'a lost instance is not painted'


@pytest.mark.parametrize('frames', [(1, 4), (0, 5), (2, 3)])
def test_train_step(tmp_path, frames):
    model = tiny_model().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    log = model.train_step(toy_batch(tmp_path, frames), OptimWrapper(optimizer))
    assert torch.isfinite(log['loss'])


def test_train_step_at_an_odd_size_with_flips(tmp_path):
    write_toy_mots(tmp_path)
    dataset = toy_dataset(tmp_path, pipeline=toy_pipeline((77, 51), flip_prob=1.0))
    data = pseudo_collate([dataset[FrameIndex(0, t, seed=t)] for t in (1, 4)])
    assert data['inputs'][0].shape == (3, 3, 51, 77)
    model = tiny_model().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    log = model.train_step(data, OptimWrapper(optimizer))
    assert torch.isfinite(log['loss'])
