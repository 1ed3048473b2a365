import pytest
import torch
from mmdet.structures import TrackDataSample
from tiny_vist import SIZE, toy_video, train_data

from mmvist.structures.hosts import clip_from_mmdet, frame_from_sample


def batch(**options):
    data = train_data(toy_video(), (1, 3), **options)
    return torch.stack(data['inputs']).float(), data['data_samples']


def test_frames_come_as_before_now_and_next():
    inputs, samples = batch()
    clip = clip_from_mmdet(inputs, samples)
    frames = toy_video().frames.float()
    assert torch.equal(clip.prev_frame, frames[[0, 2]])
    assert torch.equal(clip.frame, frames[[1, 3]])
    assert torch.equal(clip.next_frame, frames[[2, 4]])
    assert clip.has_next.tolist() == [True, True]
    assert [sample.frame_id for sample in clip.data_samples] == [1, 3]
    assert clip.img_shapes == [SIZE, SIZE]


def test_known_instances_are_those_of_the_frame_before():
    inputs, samples = batch()
    samples[0][0].set_metainfo(dict(instance_ages={1: 0, 2: 3}))
    padded = torch.zeros(2, 3, 3, 64, 96)
    known = clip_from_mmdet(padded, samples).known[0]
    truth = toy_video().sample(0).gt_instances
    assert known.ids.tolist() == [1, 2] and known.ages.tolist() == [0, 3]
    assert torch.equal(known.boxes, truth.bboxes)
    assert torch.equal(known.labels, truth.labels)
    assert known.masks.shape == (2, 64, 96), 'padded to the input'
    assert torch.equal(known.masks[:, :60, :90].bool(), toy_video().masks[0])
    assert not known.masks[:, 60:].any() and not known.masks[:, :, 90:].any()


def test_a_first_frame_knows_nothing():
    """Also where the sample still lists the instances of t."""
    inputs, samples = batch(first=(3,))
    samples[1].video_data_samples[0] = toy_video().sample(
        3, is_first=True, has_next=True, instance_ages={}
    )
    known = clip_from_mmdet(inputs, samples).known[1]
    assert len(known) == 0 and known.masks.shape == (0, *SIZE)
    assert known.boxes.shape == (0, 4)


def test_the_last_frame_has_no_next():
    data = train_data(toy_video(4), (3,))
    clip = clip_from_mmdet(torch.stack(data['inputs']).float(), data['data_samples'])
    assert clip.has_next.tolist() == [False]


@pytest.mark.parametrize('shape', [(2, 2, 3, 8, 8), (2, 3, 8, 8)])
def test_other_numbers_of_frames_are_refused(shape):
    _, samples = batch()
    with pytest.raises(ValueError, match='AdjacentFrameSample'):
        clip_from_mmdet(torch.zeros(shape), samples)


def test_missing_metainfo_is_named():
    inputs, _ = batch()
    samples = [TrackDataSample(video_data_samples=[toy_video().sample(0)] * 3)] * 2
    with pytest.raises(ValueError, match=r"lack \['has_next', 'instance_ages', 'is_fi"):
        clip_from_mmdet(inputs, samples)


def test_a_test_frame_without_a_number_is_refused():
    sample = toy_video().sample(4)
    sample.pop('frame_id')
    with pytest.raises(ValueError, match='no frame_id'):
        frame_from_sample(torch.zeros(1, 3, 64, 96), sample)


def test_a_test_frame():
    sample = toy_video().sample(
        4, ori_shape=(120, 180, 3), img_shape=(60, 90), scale_factor=(0.5, 0.5)
    )
    frame = frame_from_sample(torch.zeros(1, 3, 64, 96), sample)
    assert (frame.video_id, frame.frame_id) == (1, 4)
    assert frame.ori_shape == (120, 180) and frame.img_shape == (60, 90)
    assert frame.metainfo['batch_input_shape'] == (64, 96)
    assert frame.metainfo['scale_factor'] == (0.5, 0.5)
