"""Each difference from MMDetection's tracker, and that without them there is none."""

from types import SimpleNamespace

import pytest
import torch
from mmdet.models.trackers import MaskTrackRCNNTracker as PortedTracker
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmvist.models import MaskTrackRCNNTracker

FEATURES = torch.eye(4).view(4, 4, 1, 1)
"""RoI features of four things that look like nothing but themselves."""


class Head:
    """A track head whose RoI features are those that the sample carries."""

    def extract_roi_feats(self, feats, bboxes):
        return feats, [len(one) for one in bboxes]

    def predict(self, now, before):
        dots = 12 * now.flatten(1) @ before.flatten(1).T - 6
        return torch.cat([dots.new_zeros(len(now), 1), dots], dim=1)


def track(tracker, t, looks, scores=None, labels=None):
    """Identities of things by their look, all at one place."""
    count = len(looks)
    sample = DetDataSample(metainfo=dict(frame_id=t, scale_factor=(1.0, 1.0)))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[0.0, 0, 10, 10]]).repeat(count, 1),
        scores=torch.tensor(scores or [0.9] * count),
        labels=torch.tensor(labels or [0] * count, dtype=torch.long),
        masks=torch.ones(count, 20, 30, dtype=torch.bool),
    )
    model = SimpleNamespace(track_head=Head())
    found = tracker.track(model, FEATURES[list(looks)], sample)
    return found.instances_id.tolist()


def ported(**changes):
    """Ours with the port's behaviour."""
    options = dict(num_frames_retain=20, clear_losers=False, update_labels=True)
    return MaskTrackRCNNTracker(**{**options, **changes})


def test_appearance_links_and_nothing_new_starts():
    tracker = MaskTrackRCNNTracker()
    assert track(tracker, 0, [0, 1]) == [0, 1]
    assert track(tracker, 1, [1, 0]) == [1, 0]


@pytest.mark.parametrize(('clear', 'expected'), [(True, [0]), (False, [0, 0])])
def test_losers_are_cleared(clear, expected):
    """The second looks the same and scores better: the first had it before."""
    tracker = ported(clear_losers=clear)
    assert track(tracker, 0, [0]) == [0]
    assert track(tracker, 1, [0, 0], scores=[0.5, 0.9]) == expected
    # the best comes first: then the port drops the other, too
    assert track(tracker, 2, [0, 0], scores=[0.9, 0.5]) == [0]


def test_the_winner_is_the_best_match():
    tracker = MaskTrackRCNNTracker()
    match = torch.tensor([[0.0, 3, 1], [0, 5, 1], [0, 4, 1], [0, 1, 2], [9, 1, 1]])
    tracker.tracks, tracker.num_tracks = {7: {}, 8: {}}, 9
    ids, best = tracker.assign_ids(match)
    assert ids.tolist() == [-1, 7, -1, 8, 9] and best.tolist() == [5, 2]


@pytest.mark.parametrize(('retain', 'expected'), [(None, [0]), (20, [2]), (90, [0])])
def test_memory_expires_or_not(retain, expected):
    tracker = ported(num_frames_retain=retain)
    assert track(tracker, 0, [0, 1]) == [0, 1]
    for t in range(1, 60):
        assert track(tracker, t, [1]) == [1]
    assert track(tracker, 60, [0]) == expected


@pytest.mark.parametrize(('update', 'expected'), [(False, 0), (True, 1)])
def test_labels_stay_those_of_birth(update, expected):
    weights = dict(det_score=0.0, iou=0.0, det_label=0.0)
    tracker = ported(update_labels=update, match_weights=weights)
    assert track(tracker, 0, [0], labels=[0]) == [0]
    assert track(tracker, 1, [0], labels=[1]) == [0]
    assert tracker.get('labels').tolist() == [expected]


def test_without_the_options_it_is_the_port():
    ours = ported(num_frames_retain=2)
    theirs = PortedTracker(num_frames_retain=2)
    generator = torch.Generator().manual_seed(1)
    for t in range(60):
        count = int(torch.randint(0, 5, (1,), generator=generator))
        looks = torch.randint(0, 4, (count,), generator=generator).tolist()
        scores = torch.rand(count, generator=generator).tolist()
        labels = torch.randint(0, 2, (count,), generator=generator).tolist()
        given = (t, looks, scores or None, labels or None)
        assert track(ours, *given) == track(theirs, *given)
        assert ours.num_tracks == theirs.num_tracks
    assert ours.num_tracks > 10


def test_memory_is_bounded_by_identity():
    """The host keeps the masks and features of every frame."""
    tracker = MaskTrackRCNNTracker()
    for t in range(50):
        track(tracker, t, [0, 1, 2])
    kept = [
        value
        for one in tracker.tracks.values()
        for values in one.values()
        for value in values
    ]
    # box, label, features, id, frame: once for each of three identities
    assert len(tracker.tracks) == 3 and len(kept) == 15
    assert not any('masks' in one for one in tracker.tracks.values())
    sizes = [value.untyped_storage().nbytes() for value in kept]
    assert sizes == [value.numel() * value.element_size() for value in kept]


def test_an_empty_frame_changes_nothing():
    tracker = MaskTrackRCNNTracker()
    assert track(tracker, 0, []) == []
    assert track(tracker, 1, [0]) == [0]
    assert track(tracker, 2, []) == []
    assert track(tracker, 3, [0]) == [0]
