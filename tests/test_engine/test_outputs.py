"""Predictions in a pickle and on painted frames."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as coco_mask

from mmvist.engine import DumpTracks, ShowDirHook


def frame(folder: Path, video_id: int, frame_id: int, n: int = 1) -> DetDataSample:
    """A 32 x 48 frame on disk with ``n`` instances, each a block of pixels."""
    path = folder / f'{video_id}' / f'{frame_id:06}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((32, 48, 3), np.uint8))
    masks = torch.zeros(n, 32, 48, dtype=torch.bool)
    masks[:, 8:24, 10:30] = True
    sample = DetDataSample(
        metainfo=dict(
            img_id=frame_id,
            video_id=video_id,
            frame_id=frame_id,
            img_path=str(path),
            ori_video_length=9,
        )
    )
    sample.pred_track_instances = InstanceData(
        bboxes=torch.tensor([[10.0, 8, 30, 24]]).repeat(n, 1),
        labels=torch.zeros(n, dtype=torch.long),
        scores=torch.full((n,), 0.9),
        instances_id=torch.arange(1, n + 1),
        masks=masks,
    )
    return sample


def track(*frames: DetDataSample) -> TrackDataSample:
    sample = TrackDataSample()
    sample.video_data_samples = list(frames)
    return sample


def test_dump_holds_every_frame_in_order(tmp_path: Path) -> None:
    metric = DumpTracks(str(tmp_path / 'new' / 'tracks.pkl'))
    # the first frame comes again, as of a sampler that pads: what came first counts
    for video_id, frame_id, n in [(1, 0, 0), (0, 1, 2), (0, 0, 1), (1, 0, 2)]:
        sample = track(frame(tmp_path, video_id, frame_id, n))
        metric.process({}, [sample.to_dict()])
    assert metric.evaluate(size=4) == {}
    with (tmp_path / 'new' / 'tracks.pkl').open('rb') as file:
        records = pickle.load(file)
    order = [(r['video_id'], r['frame_id'], len(r['scores'])) for r in records]
    assert order == [(0, 0, 1), (0, 1, 2), (1, 0, 0)]
    assert records[1]['instances_id'].tolist() == [1, 2]
    assert coco_mask.decode(records[1]['masks'])[..., 1].sum() == 16 * 20
    assert records[2]['masks'] == []


def test_frames_are_painted_each_video_in_its_own_folder(tmp_path: Path) -> None:
    hook = ShowDirHook(str(tmp_path / 'painted'))
    dataset = SimpleNamespace(metainfo=dict(classes=('car',)))
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=dataset))
    hook.before_test(runner)
    frames = [frame(tmp_path, 0, 0), frame(tmp_path, 1, 0), frame(tmp_path, 1, 1, n=0)]
    hook.after_test_iter(runner, 0, outputs=[track(*frames)])
    written = sorted((tmp_path / 'painted').rglob('*.png'))
    names = [str(path.relative_to(tmp_path / 'painted')) for path in written]
    assert names == ['0000/000000.png', '0001/000000.png', '0001/000001.png']
    painted, empty = (cv2.imread(str(path)) for path in (written[0], written[2]))
    assert painted.shape == (32, 48, 3)
    assert painted[12:20, 14:26].any() and not empty.any()
    # the sample that the metric reads later is left as it was
    assert isinstance(frames[0].pred_track_instances.masks, torch.Tensor)


def test_a_frame_that_cannot_be_read_is_painted_on_black(tmp_path: Path) -> None:
    hook = ShowDirHook(str(tmp_path / 'painted'))
    dataset = SimpleNamespace(metainfo=dict(classes=('car',)))
    hook.before_test(SimpleNamespace(test_dataloader=SimpleNamespace(dataset=dataset)))
    gone, broken = frame(tmp_path, 0, 0, n=0), frame(tmp_path, 0, 1, n=0)
    for one in (gone, broken):
        one.set_metainfo(dict(ori_shape=(32, 48), unreadable='why'))
    Path(gone.img_path).unlink()
    Path(broken.img_path).write_bytes(b'no picture')
    hook.after_test_iter(SimpleNamespace(), 0, outputs=[track(gone, broken)])
    written = sorted((tmp_path / 'painted').rglob('*.png'))
    assert len(written) == 2
    for path in written:
        image = cv2.imread(str(path))
        assert image.shape == (32, 48, 3) and not image.any()
