"""Separable 3D convolutions: the identity at first, and cut nowhere."""

import pytest
import torch
import torch.nn.functional as F
from tiny_track_rcnn import clip_data, tiny_track_rcnn
from torch import Tensor

from mmvist.models.baselines.track_rcnn import TemporalConvs

LEVELS, CHANNELS = (0, 2), (3, 5)


def random_maps(length: int, count: int = 1) -> tuple[Tensor, ...]:
    sizes = ((3, 6, 7), (4, 3, 4), (5, 2, 2))
    return tuple(torch.randn(count * length, *size).double() for size in sizes)


def random_convs(num_layers: int = 2) -> TemporalConvs:
    convs = TemporalConvs(LEVELS, CHANNELS, num_layers).double()
    for weight in convs.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    return convs


def by_hand(x: Tensor, depthwise: Tensor, pointwise: Tensor) -> Tensor:
    """One layer as sums over shifted copies of (C, T, h, w)."""
    padded = F.pad(x, (1, 1, 1, 1, 1, 1))
    length, height, width = x.shape[1:]
    mixed = torch.zeros_like(x)
    for t in range(3):
        for i in range(3):
            for j in range(3):
                part = padded[:, t : t + length, i : i + height, j : j + width]
                mixed += depthwise[:, 0, t, i, j, None, None, None] * part
    return torch.einsum('oc,cthw->othw', pointwise[:, :, 0, 0, 0], mixed).relu()


def test_new_layers_are_the_identity_for_maps_behind_a_relu():
    convs = TemporalConvs(LEVELS, CHANNELS)
    maps = tuple(level.float().relu() for level in random_maps(6))
    for before, after in zip(maps, convs(maps, 6)):
        torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_a_pretrained_detector_is_untouched_at_first():
    """Behind the FPN, where half of the values are negative, it would not be."""
    model = tiny_track_rcnn().eval()
    frames = model.data_preprocessor(clip_data(), False)['inputs'].flatten(0, 1)
    maps = model.detector.backbone(frames)
    assert min(level.min() for level in maps) >= 0
    features = model._features(model.temporal_convs(maps, 4))
    for mixed, plain in zip(features, model.detector.extract_feat(frames)):
        torch.testing.assert_close(mixed, plain)
        assert (plain < 0).float().mean() > 0.1


def test_against_sums_by_hand():
    convs, maps = random_convs(), random_maps(5, count=2)
    mixed = convs(maps, 5)
    for level, layers in zip(LEVELS, convs.layers):
        for clip in range(2):
            rows = slice(5 * clip, 5 * clip + 5)
            x = maps[level][rows].transpose(0, 1)
            for layer in layers:
                x = by_hand(x, layer[0].weight, layer[1].weight)
            torch.testing.assert_close(mixed[level][rows], x.transpose(0, 1))
    assert mixed[1] is maps[1], 'a level that is not named stays as it is'


@pytest.mark.parametrize('num_layers', [1, 2, 3])
def test_a_frame_with_its_context_equals_the_whole_clip(num_layers):
    length = 9
    convs, maps = random_convs(num_layers), random_maps(length)
    assert convs.context == num_layers
    whole = convs(maps, length)
    frames = [tuple(level[t : t + 1] for level in maps) for t in range(length)]
    for t in range(length):
        for more in (0, 2):  # a larger window changes nothing
            first = max(t - num_layers - more, 0)
            window = frames[first : t + num_layers + more + 1]
            for found, level in zip(convs.at(window, t - first), whole):
                torch.testing.assert_close(found, level[t : t + 1])
    cut = convs.at(frames[4 : 4 + num_layers], 0)
    assert not torch.allclose(cut[0], whole[0][4:5]), 'the frames before are missed'


def test_clips_do_not_mix():
    convs, maps = random_convs(), random_maps(3, count=2)
    alone = convs(tuple(level[3:] for level in maps), 3)
    for found, level in zip(alone, convs(maps, 3)):
        torch.testing.assert_close(found, level[3:])


def test_one_width_a_level():
    with pytest.raises(ValueError, match='2 levels and channels of 1'):
        TemporalConvs((2, 3), (8,))
