"""Every config of the repository: its name, its model, one step of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from tiny_vist import CONFIGS, pair_data, test_data, toy_video, train_data

from mmvist.models import VAEVIST
from mmvist.registry import METRICS, MODELS, TRANSFORMS
from mmvist.structures.exclusive import unpack_masks

# those of MMTracking are of another host: tests/test_interop; the mixed ones have
# test_mixing.py; those of pretraining are of a detector alone: test_pretraining.py
PATHS = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    if not {'_base_', 'mmtrack', 'mixing', 'pretrain'}
    & set(path.relative_to(CONFIGS).parts)
)
NAME = re.compile(
    r'(?P<method>[a-z]+(-[a-z]+)*(_mask-rcnn)?)'
    r'_(?P<backbone>r\d+(-half|-wide)?)_(?P<neck>fpn)'
    r'(_(?P<gpus>\d+)xb(?P<batch>\d+)-(?P<epochs>\d+)e)?'
    r'_(?P<dataset>[a-z0-9]+)'
    r'(_[a-z]+(-[a-z0-9]+)*)*'  # variants
)
SWITCHES = {
    'no-skip': dict(with_skip=False),
    'no-corr': dict(with_corr=False),
    'no-variational': dict(variational=False),
    'proposal': dict(with_aux=False, with_augment=False),
    'aux-proposal': dict(with_augment=False),
    'proposal-augment': dict(with_aux=False),
}
KITTI = CONFIGS / 'vae_vist/vae-vist_mask-rcnn_r101_fpn_4xb2-20e_kittimots.py'
LITERAL = KITTI.with_name(f'{KITTI.stem}_literal.py')
ABLATIONS = sorted((CONFIGS / 'ablation').glob('*.py'))


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    """The ``default_scope`` of every config, as the runner sets it."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def load(path: Path) -> Config:
    return Config.fromfile(path)


def build(cfg: Config) -> torch.nn.Module:
    """With PyTorch's random weights: no ``init_weights``, no download."""
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def flat(value: object, prefix: str = '') -> dict[str, object]:
    """Nested dicts and lists to dotted keys."""
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, (list, tuple)) and value:
        items = enumerate(value)
    else:
        return {prefix: value}
    flattened = {}
    for key, one in items:
        flattened.update(flat(one, f'{prefix}.{key}' if prefix else str(key)))
    return flattened


def changes(path: Path, base: Path) -> dict[str, object]:
    """Keys of ``path`` that ``base`` has not, or has otherwise."""
    own, other = (flat(load(one).to_dict()) for one in (path, base))
    assert set(other) <= set(own), 'nothing is deleted'
    missing = object()
    return {k: v for k, v in own.items() if other.get(k, missing) != v}


def by_name(path: Path) -> str:
    return f'{path.parent.name}/{path.stem}'


def is_small(path: Path) -> bool:
    return '_r18-' in path.name


def train_step(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """One iteration on a tiny batch; what was logged."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    model.train()
    if hasattr(model, 'track_head'):
        data = pair_data(toy_video(), [(1, 4), (5, 0)])
    else:
        data = train_data(toy_video(), (1, 5))
    return model.train_step(data, OptimWrapper(optimizer))


def assert_tests(model: torch.nn.Module) -> None:
    video = toy_video(3)
    model.eval()
    show_all(model)
    samples = model.test_step(test_data(video, range(3)))[0].video_data_samples
    assert len(samples) == 3
    assert any(len(sample.pred_track_instances) for sample in samples)
    for sample in samples:
        instances = sample.pred_track_instances
        masks = instances.masks
        if isinstance(masks, list):  # of a whole video
            masks = unpack_masks(masks, (60, 90))
        assert masks.shape == (len(instances.instances_id), 60, 90)


def show_all(model: torch.nn.Module) -> None:
    """What an untrained model is not sure of is kept."""
    model.detector.roi_head.test_cfg.update(score_thr=0.0, max_per_img=6)
    for part in (model, model.tracker):
        for name in vars(part):
            if name.endswith('score_thr') or name in ('sigma_l', 'sigma_h'):
                setattr(part, name, 0.0)
    if hasattr(model, 'augment_head'):
        model.augment_head.roi_head.test_cfg.mask_thr_binary = 0.3
    if hasattr(model.tracker, 't_min'):
        model.tracker.t_min = 1


def test_there_are_configs_to_test():
    assert len(PATHS) >= 10 and len(ABLATIONS) == 2 * len(SWITCHES)


@pytest.mark.parametrize('path', PATHS, ids=by_name)
def test_name_says_what_it_is(path):
    match = NAME.fullmatch(path.stem)
    assert match, f'{path.name} does not parse'
    cfg = load(path)
    depth, width = re.fullmatch(r'r(\d+)(-half|-wide)?', match['backbone']).groups()
    backbone = cfg.model.detector.backbone
    assert backbone.depth == int(depth)
    channels = backbone.get('base_channels', 64)
    assert channels > 64 if width == '-wide' else channels == (32 if width else 64)
    if match['batch']:
        assert cfg.train_dataloader.batch_size == int(match['batch'])
        assert cfg.train_cfg.max_epochs == int(match['epochs'])
        total = int(match['gpus']) * int(match['batch'])
        assert cfg.auto_scale_lr.base_batch_size == total


@pytest.mark.parametrize('path', PATHS, ids=by_name)
def test_what_is_loaded_comes_by_https(path):
    """A base config of the host names torchvision's weights, which we have not."""
    for key, value in flat(load(path).to_dict()).items():
        if key.endswith('checkpoint') and 'init_cfg' in key:
            assert value.startswith('https://'), key
        if key.endswith('default_scope'):
            assert value == 'mmdet'


@pytest.mark.parametrize('path', PATHS, ids=by_name)
def test_pipelines_and_metrics_build(path):
    cfg = load(path)
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    for loader in filter(None, loaders):  # where the truth is kept back, none of val
        for transform in loader.dataset.pipeline:
            TRANSFORMS.build(transform)
    for metrics in filter(None, [cfg.val_evaluator, cfg.test_evaluator]):
        for metric in [metrics] if isinstance(metrics, dict) else metrics:
            assert METRICS.get(metric.type) is not None


@pytest.mark.parametrize(
    'path', [path for path in PATHS if is_small(path)], ids=by_name
)
def test_small_config_trains_and_tests(path):
    model = build(load(path))
    log = train_step(model)
    assert torch.isfinite(log['loss'])
    assert_tests(model)


# the model of the other folds is that of the first: test_peers.py
LARGE = [
    path
    for path in PATHS
    if not is_small(path)
    and not (path.parent.name == 'baselines' and re.search(r'fold-(?!02)', path.name))
]


@pytest.mark.parametrize('path', LARGE, ids=by_name)
def test_large_config_builds(path):
    cfg = load(path)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 40e6
    if isinstance(model, VAEVIST):
        for switch in ('variational', 'with_aux', 'with_augment'):
            assert getattr(model, switch) == cfg.model.get(switch, True)


@pytest.mark.parametrize('path', [KITTI, LITERAL], ids=by_name)
def test_large_config_trains_and_tests(path):
    model = build(load(path))
    log = train_step(model)
    assert torch.isfinite(log['loss'])
    assert_tests(model)


@pytest.mark.parametrize('path', ABLATIONS, ids=by_name)
def test_ablation_differs_in_its_switches_alone(path):
    base, variant = path.stem.rsplit('_', 1)
    found = changes(path, CONFIGS / 'vae_vist' / f'{base}.py')
    assert found == {f'model.{k}': v for k, v in SWITCHES[variant].items()}


def test_literal_differs_where_the_docs_say():
    sampling = 'pipeline.0.'
    found = changes(LITERAL, KITTI)
    model = {k[6:]: v for k, v in found.items() if k.startswith('model.')}
    assert model == {
        'kl_loss.loss_weight': 1.0,
        'kl_loss.reduction': 'sum',
        'sample_at_test': True,
        'tracker.class_aware': False,
        'tracker.match_score_thr': 0.5,
        'tracker.birth_score_thr': 0.5,
        'tracker.augment_birth_score_thr': 0.0,
        'tracker.keep_score_thr': 0.0,
        'tracker.recover_iou_thr': 1.0,
        'tracker.duplicate_iou_thr': 1.0,
        'kl_loss.warmup_iters': 0,
        'train_cfg.drop_prob': 0.0,
        'train_cfg.mask_shift': 0.0,
        'train_cfg.mask_scale': 0.0,
        'train_cfg.mask_rotate': 0.0,
        'train_cfg.box_jitter': 0.0,
        'train_cfg.num_jitters': 1,
    }
    rest = {k: v for k, v in found.items() if not k.startswith('model.')}
    dataset = 'train_dataloader.dataset.' + sampling
    assert rest == {
        f'{prefix}{key}': value
        for prefix in ('train_' + sampling, dataset)
        for key, value in dict(first_frame_prob=0.0, max_age=0).items()
    }


def test_literal_options_arrive_in_the_model():
    with torch.device('meta'):
        model = MODELS.build(load(LITERAL).model)
    assert model.sample_at_test
    assert model.kl_loss.loss_weight == 1 and model.kl_loss.reduction == 'sum'
    assert not model.tracker.class_aware and model.tracker.keep_score_thr == 0
    samples = model.training_samples
    assert samples.drop_prob == samples.mask_shift == samples.box_jitter == 0
    assert samples.mask_scale == samples.mask_rotate == 0 and samples.num_jitters == 1


def test_paper_numbers():
    """Section 4.1: Adam, 1.5e-4, 20 epochs, 8 images, 1333 x 800, ResNet-101."""
    cfg = load(KITTI)
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1.5e-4)
    assert cfg.train_cfg.max_epochs == 20
    assert cfg.train_dataloader.batch_size == 2
    assert cfg.train_pipeline[1].transforms[2].scale == (1333, 800)
    assert cfg.model.detector.backbone.depth == 101
    assert 'coco' in cfg.model.detector.init_cfg.checkpoint
