import pytest
import torch

from mmvist.distributions import GroupedNormal
from mmvist.models.latent_layout import LatentLayout

SHAPES = [(3, 4, 6), (2, 5, 7), (1, 1, 1), (4, 1, 3), (2, 3, 2)]
GROUPS = ['channel', 'position', (2, 2), (2, 3), (4, 4), (1, 1), (1, 9)]


def mean_of(x: torch.Tensor) -> torch.Tensor:
    """A pointwise head that keeps the channels."""
    return x


@pytest.mark.parametrize('groups', GROUPS, ids=str)
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_to_map_undoes_to_vector(shape, groups):
    layout = LatentLayout(groups, shape)
    x = torch.rand(2, *shape)
    vector = layout.to_vector(x)
    assert vector.shape == (2, x[0].numel())
    assert torch.equal(vector.sort()[0], x.flatten(1).sort()[0])
    assert torch.equal(layout.to_map(vector), x)


@pytest.mark.parametrize('groups', GROUPS, ids=str)
@pytest.mark.parametrize('shape', SHAPES, ids=str)
def test_pool_gives_each_group_the_mean_of_its_members(shape, groups):
    """Of a map whose channels the head keeps, so that it can be counted."""
    layout = LatentLayout(groups, shape)
    x = torch.rand(2, *shape)
    if groups == 'position':
        rho = layout.pool(lambda features: features.mean(1, keepdim=True), x)
    else:
        rho = layout.pool(mean_of, x)
    assert rho.shape == (2, layout.num_groups)
    vector = layout.to_vector(x)
    normal = GroupedNormal(
        vector, torch.ones_like(vector), torch.zeros_like(rho), layout.group_sizes
    )
    expected = normal.groups.mean(normal.groups.fold(vector))
    torch.testing.assert_close(rho, expected)


def test_members_of_a_window_are_neighbours_and_borders_are_smaller():
    layout = LatentLayout((2, 3), (2, 3, 4))
    assert layout.group_sizes == [6, 2, 3, 1] * 2
    places = torch.arange(24).view(1, 2, 3, 4)
    first, *_, last = layout.to_vector(places)[0].split(layout.group_sizes)
    assert first.tolist() == [0, 1, 2, 4, 5, 6]
    assert last.tolist() == [23]


def test_equal_windows_are_given_as_one_number():
    assert LatentLayout((2, 2), (3, 4, 6)).group_sizes == 4


def test_unknown_groups():
    with pytest.raises(ValueError, match="'channel', 'position' or a window"):
        LatentLayout('pixel', (1, 2, 3))
