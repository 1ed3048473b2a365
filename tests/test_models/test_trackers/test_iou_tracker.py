"""IoUTracker against cases worked out by hand."""

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmvist.models import IoUTracker
from mmvist.structures.exclusive import pack_masks

SIZE = (10, 200)


def frame(t, starts, scores=None, labels=None, width=10, rows=(0, 10)):
    """Detections that cover columns ``start`` to ``start + width``.

    Two of width 10 that are d apart have an IoU of (10 - d) / (10 + d).
    """
    boxes = [[s, rows[0], s + width, rows[1]] for s in starts]
    masks = torch.zeros(len(starts), *SIZE, dtype=torch.bool)
    for mask, start in zip(masks, starts):
        mask[rows[0] : rows[1], start : start + width] = True
    sample = DetDataSample(metainfo=dict(frame_id=t, ori_shape=SIZE))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float).view(-1, 4),
        scores=torch.tensor(scores or [0.9] * len(starts)),
        labels=torch.tensor(labels or [0] * len(starts), dtype=torch.long),
        masks=masks,
    )
    return sample


def ids(tracker, *args, **kwargs):
    return tracker.track(data_sample=frame(*args, **kwargs)).instances_id.tolist()


def every_frame(**changes):
    """A tracker that keeps all it links."""
    return IoUTracker(**{**dict(sigma_l=0, sigma_h=0, t_min=1), **changes})


@pytest.mark.parametrize('iou_type', ['mask', 'bbox'])
@pytest.mark.parametrize(
    ('away', 'sigma_iou', 'linked'),
    # (10 - 2) / (10 + 2) = 0.667; (10 - 4) / (10 + 4) = 0.429
    [(2, 0.66, True), (2, 0.67, False), (4, 0.42, True), (4, 0.43, False)],
)
def test_sigma_iou(iou_type, away, sigma_iou, linked):
    tracker = every_frame(sigma_iou=sigma_iou, iou_type=iou_type)
    assert ids(tracker, 0, [50]) == [1]
    assert ids(tracker, 1, [50 + away]) == [1 if linked else 2]


def test_masks_and_boxes_overlap_otherwise():
    """Of one box, the upper and the lower half: the masks have nothing in common."""
    samples = [frame(0, [50]), frame(1, [50])]
    for sample, rows in zip(samples, (slice(0, 5), slice(5, 10))):
        sample.pred_instances.masks[:] = False
        sample.pred_instances.masks[:, rows, 50:60] = True
    found = {}
    for iou_type in ('mask', 'bbox'):
        tracker = every_frame(iou_type=iou_type)
        found[iou_type] = [
            tracker.track(data_sample=sample).instances_id.tolist()
            for sample in samples
        ]
    assert found == {'mask': [[1], [2]], 'bbox': [[1], [1]]}


def test_sigma_l_leaves_detections_out():
    tracker = every_frame(sigma_l=0.4)
    found = tracker.track(data_sample=frame(0, [0, 50], [0.39, 0.4]))
    assert found.bboxes[:, 0].tolist() == [50]
    assert ids(tracker, 1, [50], [0.39]) == []
    assert ids(tracker, 2, [50]) == [2], 'the track ended where nothing was left'


def test_the_oldest_track_chooses_first():
    """It takes what overlaps it most, though a younger track overlaps that more."""
    tracker = every_frame(sigma_iou=0.3, iou_type='bbox')
    assert ids(tracker, 0, [50]) == [1]
    assert ids(tracker, 1, [50, 58]) == [1, 2]
    # 1 (50): IoU 0.54 with 53, 0.43 with 54; 2 (58): 0.33 with 53, 0.43 with 54
    assert ids(tracker, 2, [54, 53]) == [2, 1]
    # 1 (53): 0.67 with 55, its best; 2 (54): 0.82 with 55, which is taken
    assert ids(tracker, 3, [55]) == [1]
    assert ids(tracker, 4, [55, 54]) == [1, 3], 'for 2 it was the end'


def test_what_is_found_twice_is_followed_once():
    """The second mask, seven columns of ten, is compared without what the first has."""
    found = {}
    for iou_type in ('mask', 'bbox'):
        tracker = every_frame(iou_type=iou_type)
        scores = [0.9, 0.8, 0.7]
        ids(tracker, 0, [50, 53, 50], scores)
        # of the second the mask's rest jumps from one side to the other
        second = frame(1, [50, 47, 50], scores)
        found[iou_type] = tracker.track(data_sample=second)
    assert found['mask'].instances_id.tolist() == [1, 3]
    assert found['mask'].masks.sum(dim=(1, 2)).tolist() == [100, 100], 'left whole'
    assert len(found['bbox']) == 3


def test_a_track_ends_for_good():
    tracker = every_frame()
    assert ids(tracker, 0, [50]) == [1]
    assert ids(tracker, 1, []) == []
    assert ids(tracker, 2, [50]) == [2]


@pytest.mark.parametrize(('class_aware', 'expected'), [(True, [2]), (False, [1])])
def test_classes_are_kept_apart(class_aware, expected):
    tracker = every_frame(class_aware=class_aware, sigma_iou=0.0)
    ids(tracker, 0, [50], labels=[0])
    assert ids(tracker, 1, [50], labels=[1]) == expected


VIDEO = [
    # columns 0: a weak track of 3 frames; 50: a strong one of 3; 100: a strong flash
    ([0, 50, 100], [0.5, 0.6, 0.9]),
    ([0, 50], [0.5, 0.9]),
    ([0, 50], [0.5, 0.6]),
]


def run(tracker):
    """First columns of what is shown of each frame."""
    frames = [
        tracker.track(data_sample=frame(t, *content)) for t, content in enumerate(VIDEO)
    ]
    if tracker.offline:
        frames = tracker.finished(frames)
    return [one.bboxes[:, 0].int().tolist() for one in frames]


@pytest.mark.parametrize(
    ('sigma_h', 't_min', 'offline', 'online'),
    [
        (0.0, 1, [[0, 50, 100], [0, 50], [0, 50]], [[0, 50, 100], [0, 50], [0, 50]]),
        (0.8, 1, [[50, 100], [50], [50]], [[100], [50], [50]]),
        (0.0, 2, [[0, 50], [0, 50], [0, 50]], [[], [0, 50], [0, 50]]),
        (0.0, 3, [[0, 50], [0, 50], [0, 50]], [[], [], [0, 50]]),
        (0.8, 3, [[50], [50], [50]], [[], [], [50]]),
        (0.8, 4, [[], [], []], [[], [], []]),
    ],
)
def test_the_tests_of_a_track(sigma_h, t_min, offline, online):
    """Offline they look at the whole track, online at what there is of it."""
    settings = dict(sigma_l=0, sigma_h=sigma_h, t_min=t_min)
    assert run(IoUTracker(**settings, offline=True)) == offline
    assert run(IoUTracker(**settings, offline=False)) == online


def test_finished_takes_packed_masks_and_negative_scores():
    tracker = IoUTracker(sigma_l=-1, sigma_h=-0.5, t_min=1)
    found = tracker.track(data_sample=frame(0, [0, 50], [-0.6, -0.4]))
    masks = pack_masks(found.masks)
    del found.masks
    found.masks = masks
    [kept] = tracker.finished([found])
    assert kept.bboxes[:, 0].tolist() == [50] and kept.masks == masks[1:]


def test_memory_is_one_detection_a_track():
    """Views would keep the masks of all detections of a frame."""
    tracker = every_frame()
    for t in range(30):
        sample = frame(t, [0, 50, 100], [0.9, 0.9, 0.9])
        tracker.track(data_sample=sample)
    assert len(tracker._active) == 3
    regions = [track.region for track in tracker._active]
    assert all(one.untyped_storage().nbytes() == one.numel() for one in regions)


def test_a_new_video_starts_from_1_and_a_gap_does_not():
    tracker = every_frame()
    assert ids(tracker, 0, [0, 50]) == [1, 2] and tracker.next_id == 3
    tracker.reset(tracker.next_id)
    assert ids(tracker, 5, [0]) == [3]
    assert ids(tracker, 0, [0]) == [1]


def test_mistakes():
    with pytest.raises(ValueError, match="'mask' or 'bbox'"):
        IoUTracker(iou_type='segm')
    sample = frame(0, [0])
    del sample.pred_instances.masks
    with pytest.raises(ValueError, match="set iou_type='bbox'"):
        IoUTracker().track(data_sample=sample)
    assert len(every_frame(iou_type='bbox').track(data_sample=sample)) == 1
    with pytest.raises(ValueError, match='needs a data_sample'):
        IoUTracker().track()
