"""Prediction beside truth."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvist.apis import FrameResult, compare_video
from mmvist.apis.compare import truth_instances
from mmvist.evaluation.truth import Truth, load_truth
from mmvist.visualization import identity_color


@pytest.fixture
def truth(data: Path) -> Truth:
    return load_truth(str(data / 'val.json'))


def results(
    truth: Truth, frames: list[np.ndarray], ids: list[int]
) -> list[FrameResult]:
    """The truth itself, under other identities."""
    found = []
    for frame, image, identity in zip(truth.videos[0].frames, frames, ids, strict=True):
        instances = truth_instances(frame, truth)
        instances.instances_id = torch.tensor([identity])
        found.append(FrameResult(len(found), image, instances, ('car', 'pedestrian')))
    return found


def fills(picture: np.ndarray, identity: int) -> tuple[bool, bool]:
    """Whether left and right show the outline of an identity."""
    shown = (picture == identity_color(identity)).all(axis=2)
    middle = picture.shape[1] // 2
    return bool(shown[:, :middle].sum() > 50), bool(shown[:, middle:].sum() > 50)


def test_a_switch_shows_as_two_sides_that_differ(
    truth: Truth, frames: list[np.ndarray]
) -> None:
    seen = results(truth, frames, [4, 4, 4, 6])
    pictures = list(compare_video(seen, truth.videos[0], truth))
    assert [fills(picture, 4) for picture in pictures[:3]] == [(True, True)] * 3
    assert fills(pictures[3], 4) == (False, True)
    assert fills(pictures[3], 6) == (True, False)


def test_an_object_that_is_not_found(truth: Truth, frames: list[np.ndarray]) -> None:
    nothing = InstanceData(
        masks=torch.zeros(0, *frames[0].shape[:2], dtype=torch.bool),
        labels=torch.zeros(0, dtype=torch.long),
        instances_id=torch.zeros(0, dtype=torch.long),
    )
    seen = [FrameResult(t, image, nothing, ('car',)) for t, image in enumerate(frames)]
    pictures = list(compare_video(seen, truth.videos[0], truth))
    assert [fills(picture, 1) for picture in pictures] == [(False, True)] * 4


def test_results_of_another_length(truth: Truth, frames: list[np.ndarray]) -> None:
    seen = results(truth, frames, [1, 1, 1, 1])[:-1]
    with pytest.raises(ValueError, match='zip'):
        list(compare_video(seen, truth.videos[0], truth))


def test_truth_as_instances(truth: Truth) -> None:
    instances = truth_instances(truth.videos[0].frames[1], truth)
    assert instances.masks.sum() == 900
    assert instances.masks[0, 10:40, 9:39].all()
    assert (instances.labels.tolist(), instances.instances_id.tolist()) == ([0], [1])
