import pytest
import torch
from tiny_vist import frame_of

from mmvist.structures.motion import Motion
from mmvist.structures.track_state import Tracks, VideoState, running_labels


def table(count: int) -> Tracks:
    motion = Motion(torch.rand(count, 2), torch.rand(count, 2))
    return Tracks(
        ids=torch.arange(count) + 1,
        boxes=torch.rand(count, 4),
        class_probs=torch.rand(count, 3),
        scores=torch.rand(count),
        ages=torch.zeros(count, dtype=torch.long),
        motion=motion,
    )


def columns(tracks: Tracks) -> dict[str, torch.Tensor]:
    """Of the table and of the motion in it."""
    own = dict(vars(tracks))
    motion = own.pop('motion')
    return {**own, **vars(motion)}


def types(tracks: Tracks) -> dict[str, torch.dtype]:
    return {k: v.dtype for k, v in columns(tracks).items()}


def test_an_empty_table():
    empty = Tracks.empty(3)
    assert len(empty) == 0
    assert empty.labels.shape == (0,) and empty.labels.dtype == torch.long
    assert types(empty) == types(table(1))


def test_rows_and_stacking():
    whole = table(4)
    parts = whole[torch.tensor([2, 0])], whole[torch.tensor([False, True, False, True])]
    joined = Tracks.cat(list(parts))
    assert joined.ids.tolist() == [3, 1, 2, 4]
    for name, value in columns(joined).items():
        assert torch.equal(value, columns(whole)[name][[2, 0, 1, 3]]), name
    assert len(Tracks.cat([Tracks.empty(3), whole])) == 4


def test_labels_are_of_the_sum():
    tracks = table(2)
    tracks.class_probs = torch.tensor([[0.9, 1.1, 0], [2, 0.1, 1.9]])
    assert tracks.labels.tolist() == [1, 0]
    assert running_labels(torch.zeros(0, 3)).tolist() == []


def test_past_probs_are_zero_for_the_new():
    tracks = table(3)
    past = tracks.past_probs(torch.tensor([2, -1, 0]))
    assert torch.equal(past[[0, 2]], tracks.class_probs[[2, 0]])
    assert not past[1].any()
    nothing = Tracks.empty(3).past_probs(torch.tensor([-1, -1]))
    assert nothing.shape == (2, 3) and not nothing.any()


def state_after(frame_id: int = 4) -> VideoState:
    image = torch.zeros(1, 3, 32, 32)
    return VideoState(7, frame_id, 9, table(2), image, image[:, :1], steps=5)


@pytest.mark.parametrize(
    'video_id, frame_id, next_id',
    [(7, 7, 9), (7, 3, 9), (7, 4, 9), (7, 0, 1), (8, 5, 1), (8, 0, 1)],
)
def test_a_frame_that_does_not_follow_begins_anew(video_id, frame_id, next_id):
    """Identities are counted on within a video; frame 0 starts it afresh."""
    frame = frame_of(torch.zeros(1, 3, 64, 64), frame_id, video_id)
    state = VideoState.before(frame, state_after(), num_classes=3)
    assert len(state.tracks) == 0 and state.next_id == next_id and state.steps == 0
    assert state.frame is None and state.combined_mask is None
    assert (state.video_id, state.frame_id) == (video_id, frame_id - 1)


def test_the_frame_that_follows_goes_on():
    state = state_after()
    frame = frame_of(torch.zeros(1, 3, 32, 32), 5, video_id=7)
    assert VideoState.before(frame, state, 3) is state
    assert VideoState.before(frame, None, 3).next_id == 1
    with pytest.raises(ValueError, match='a video has one size'):
        VideoState.before(frame_of(torch.zeros(1, 3, 32, 64), 5, 7), state, 3)
