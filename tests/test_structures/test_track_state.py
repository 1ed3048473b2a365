import torch

from mmvist.structures.track_state import Tracks


def table(count: int) -> Tracks:
    return Tracks(
        ids=torch.arange(count) + 1,
        boxes=torch.rand(count, 4),
        class_probs=torch.rand(count, 3),
        scores=torch.rand(count),
        ages=torch.zeros(count, dtype=torch.long),
        displacements=torch.zeros(count, 2),
    )


def test_an_empty_table():
    empty = Tracks.empty(3)
    assert len(empty) == 0
    assert empty.labels.shape == (0,) and empty.labels.dtype == torch.long
    assert {k: v.dtype for k, v in vars(empty).items()} == {
        k: v.dtype for k, v in vars(table(1)).items()
    }


def test_rows_and_stacking():
    whole = table(4)
    parts = whole[torch.tensor([2, 0])], whole[torch.tensor([False, True, False, True])]
    joined = Tracks.cat(list(parts))
    assert joined.ids.tolist() == [3, 1, 2, 4]
    for name, value in vars(joined).items():
        assert torch.equal(value, getattr(whole, name)[[2, 0, 1, 3]]), name
    assert len(Tracks.cat([Tracks.empty(3), whole])) == 4


def test_labels_are_of_the_sum():
    tracks = table(2)
    tracks.class_probs = torch.tensor([[0.9, 1.1, 0], [2, 0.1, 1.9]])
    assert tracks.labels.tolist() == [1, 0]
