"""The inferencer gives what a test over the data set gives."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from video_kit import CONFIGS, FLOOR, LENGTH, OURS, open_minded

from mmvist.apis import VISTInferencer
from mmvist.apis.inference import plain_instances
from mmvist.engine.errors import UserError
from mmvist.registry import DATASETS


def assert_same(a: InstanceData, b: InstanceData) -> None:
    assert set(a.keys()) == set(b.keys())
    for key in a.keys():  # noqa: SIM118, of InstanceData
        assert torch.equal(a[key], b[key]), key


def by_data_set(inferencer: VISTInferencer, data: Path) -> list[InstanceData]:
    """The frames through data set, transforms and ``test_step``."""
    cfg = inferencer.cfg.test_dataloader.dataset.copy()
    cfg.update(
        data_root=str(data), ann_file='val.json', data_prefix=dict(img_path='frames')
    )
    dataset = DATASETS.build(cfg)
    found = []
    for t in range(LENGTH):
        sample = inferencer.model.test_step(pseudo_collate([dataset[0, t]]))[0][0]
        found.append(sample.pred_track_instances)
    return found


@pytest.mark.parametrize('config', [OURS, FLOOR], ids=['step', 'predict'])
def test_frames_give_what_the_data_set_gives(config: Path, data: Path) -> None:
    inferencer = VISTInferencer(open_minded(config), device='cpu')
    expected = by_data_set(inferencer, data)
    results = list(inferencer(data / 'frames' / '0000'))
    assert [result.frame_id for result in results] == list(range(LENGTH))
    assert all(len(instances) for instances in expected)
    for result, instances in zip(results, expected, strict=True):
        size = result.image.shape[:2]
        assert_same(result.instances, plain_instances(instances, size))


def test_an_offline_tracker_tracks_online(frames: list[np.ndarray]) -> None:
    """Of a camera nobody knows the last frame; what was shown stays shown."""
    name = 'mask-rcnn-iou-tracker_r18-half_fpn_synthetic.py'
    cfg = Config.fromfile(str(CONFIGS / 'baselines' / name))
    cfg.model.tracker.update(sigma_l=0.0, sigma_h=0.0, sigma_iou=0.0, t_min=2)
    cfg.model.detector.test_cfg.rcnn.update(score_thr=0.0, max_per_img=6)
    assert cfg.model.tracker.offline
    results = [one.instances for one in VISTInferencer(cfg, device='cpu')(frames)]
    assert [bool(len(one)) for one in results] == [False] + [True] * (LENGTH - 1)
    assert all(isinstance(one.masks, torch.Tensor) for one in results)


def test_results_are_in_pixels_of_the_frame(
    ours: VISTInferencer, frames: list[np.ndarray]
) -> None:
    result = next(ours(frames))
    height, width = result.image.shape[:2]
    instances = result.instances
    assert result.image is frames[0]
    assert instances.masks.shape == (len(instances), height, width)
    assert instances.masks.dtype == torch.bool
    assert instances.bboxes[:, 2].max() > 64, 'not in pixels of the network'
    assert (instances.bboxes[:, [0, 2]] <= width).all()
    assert result.class_names == ('car', 'pedestrian')


def test_frames_are_asked_for_one_by_one(
    ours: VISTInferencer, frames: list[np.ndarray]
) -> None:
    given = []

    def camera() -> Iterator[np.ndarray]:
        for frame in frames:
            given.append(frame)
            yield frame

    results = ours(camera())
    assert not given
    for count in (1, 2, 3):
        next(results)
        assert len(given) == count


def test_two_videos_at_once_do_not_disturb_each_other(
    ours: VISTInferencer, frames: list[np.ndarray]
) -> None:
    alone = [result.instances for result in ours(frames)]
    other = ours([255 - frame for frame in frames])
    mixed = []
    for result in ours(frames):
        mixed.append(result.instances)
        next(other)
    for a, b in zip(alone, mixed, strict=True):
        assert_same(a, b)


def test_weights_and_class_names_come_from_the_checkpoint(tmp_path: Path) -> None:
    cfg = open_minded(OURS)
    first = VISTInferencer(cfg, device='cpu')
    path = tmp_path / 'a.pth'
    meta = dict(dataset_meta=dict(classes=('van', 'walker')))
    torch.save(dict(state_dict=first.model.state_dict(), meta=meta), path)
    second = VISTInferencer(cfg, path, device='cpu')
    assert second.class_names == ('van', 'walker')
    for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_class_names_without_a_checkpoint() -> None:
    cfg = open_minded(OURS)
    cfg.test_dataloader.dataset.metainfo = dict(classes=('cow', 'dog'))
    assert VISTInferencer(cfg, device='cpu').class_names == ('cow', 'dog')
    cfg.test_dataloader.dataset.metainfo = dict(classes='cow')
    assert VISTInferencer(cfg, device='cpu').class_names == ('cow',)
    del cfg.test_dataloader.dataset.metainfo
    assert VISTInferencer(cfg, device='cpu').class_names == ('car', 'pedestrian')


def test_a_config_names_a_module_that_lies_beside_it(tmp_path: Path) -> None:
    """As the tools of training and testing find it, with which it was trained."""
    (tmp_path / 'lies_beside.py').write_text(
        'from mmvist.models import VAEVIST\n'
        'from mmvist.registry import MODELS\n\n\n'
        '@MODELS.register_module()\nclass LiesBeside(VAEVIST):\n    pass\n'
    )
    cfg = open_minded(OURS)
    cfg.model.type = 'mmvist.LiesBeside'
    cfg.custom_imports = dict(imports=['mmvist', 'lies_beside'])
    (tmp_path / 'config.py').write_text(cfg.pretty_text)
    inferencer = VISTInferencer(tmp_path / 'config.py', device='cpu')
    assert type(inferencer.model).__name__ == 'LiesBeside'


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='does not exist'):
        VISTInferencer(tmp_path / 'none.py')
    (tmp_path / 'broken.py').write_text('model = dict(')
    with pytest.raises(UserError, match=r'broken.py cannot be read: SyntaxError'):
        VISTInferencer(tmp_path / 'broken.py')
    with pytest.raises(UserError, match='has no model'):
        VISTInferencer(Config(dict(test_dataloader={})))
    with pytest.raises(UserError, match='checkpoint .* does not exist'):
        VISTInferencer(OURS, tmp_path / 'none.pth', device='cpu')
    with pytest.raises(UserError, match='device nonsense cannot be used'):
        VISTInferencer(OURS, device='nonsense')
    with pytest.raises(UserError, match='does not exist'):
        VISTInferencer(open_minded(OURS), device='cpu')(tmp_path / 'none.mp4')
