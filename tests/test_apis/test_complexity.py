"""Multiply-adds, and peers that have as many as VAE-VIST."""

import importlib.util
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from tiny_vist import tiny_config

from mmvist.apis.complexity import frame_complexity
from mmvist.engine.errors import UserError
from mmvist.models import VAEVIST
from mmvist.registry import MODELS

ROOT = Path(__file__).parents[2]
OURS = ROOT / 'configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'
PEERS = ROOT / 'configs/baselines'


def tiny() -> Config:
    cfg = Config.fromfile(str(OURS))
    cfg.model = tiny_config()
    return cfg


def conv(kernel: int, inputs: int, outputs: int, height: int, width: int) -> int:
    return kernel * kernel * inputs * outputs * height * width


def test_a_neck_by_hand() -> None:
    """Four lateral and four output convolutions at strides 4 to 32, 96 x 64."""
    found = frame_complexity(tiny(), (64, 96), objects=3)
    expected = sum(
        conv(1, inputs, 16, 64 // s, 96 // s) + conv(3, 16, 16, 64 // s, 96 // s)
        for inputs, s in zip((8, 16, 32, 64), (4, 8, 16, 32))
    )
    assert found.by_part['detector.neck'] == expected
    parts = sum(found.by_part.values())
    assert parts == found.multiply_adds
    assert 0 <= found.by_part['outside modules'] < 0.01 * parts
    assert found.size == (64, 96) and found.objects == 3


def test_heads_grow_with_objects_and_nothing_else_does() -> None:
    parts = [frame_complexity(tiny(), (64, 96), n).by_part for n in (2, 4, 6)]
    changed = {name for name in parts[0] if parts[0][name] != parts[1][name]}
    assert changed <= {
        'augment_head.roi_head',
        'proposal_head.fc',
        'proposal_head.fc_reg',
        'outside modules',
    }
    a, b, c = (one['augment_head.roi_head'] for one in parts)
    assert c - b == b - a == a > 0, 'exactly as many boxes as objects'


def test_the_size_is_that_of_the_config_padded() -> None:
    cfg = tiny()
    cfg.test_pipeline[0].transforms[1].scale = (190, 100)
    cfg.test_dataloader.dataset.pipeline = cfg.test_pipeline
    assert frame_complexity(cfg).size == (128, 192)


def test_the_weights_change_nothing_and_the_config_stays() -> None:
    cfg = tiny()
    before = repr(cfg.model)
    torch.manual_seed(1)
    first = frame_complexity(cfg, (64, 96))
    torch.manual_seed(2)
    assert frame_complexity(cfg, (64, 96)) == first
    assert repr(cfg.model) == before
    assert isinstance(MODELS.build(cfg.model), VAEVIST)


@pytest.mark.parametrize('name', ['synthetic', 'compositemots'])
@pytest.mark.parametrize(
    'peer',
    [
        'mask-rcnn-iou-tracker_r18-wide_fpn_{}.py',
        'masktrack-rcnn_mask-rcnn_r18-wide_fpn_{}_mended.py',
    ],
    ids=['IoU', 'MaskTrack'],
)
def test_widened_peers_cost_what_vae_vist_costs(peer: str, name: str) -> None:
    """Within 2 %, as the comments of the configs say."""
    path = PEERS / peer.format(name)
    ours = OURS.with_name(OURS.name.replace('synthetic', name))
    expected = frame_complexity(Config.fromfile(str(ours))).multiply_adds
    found = frame_complexity(Config.fromfile(str(path))).multiply_adds
    assert abs(found / expected - 1) < 0.02
    text = path.read_text()
    for count in (found, expected):
        assert f'{count / 1e6:.1f} M' in text, 'the comment is out of date'


def test_a_model_without_a_detector_is_refused() -> None:
    with pytest.raises(UserError, match='no detector'):
        frame_complexity(Config(dict(model=dict(type='X'))), (64, 96))


def test_the_tool_prints_the_sum(capsys: pytest.CaptureFixture) -> None:
    path = ROOT / 'tools/analysis_tools/get_flops.py'
    spec = importlib.util.spec_from_file_location('get_flops', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.main([str(OURS), '--shape', '64', '96', '--objects', '2'])
    total = frame_complexity(Config.fromfile(str(OURS)), (64, 96), 2).multiply_adds
    printed = capsys.readouterr().out.replace('│', ' ').splitlines()
    assert ['all', f'{total / 1e6:.1f}'] in [line.split() for line in printed]
    with pytest.raises(SystemExit):
        tool.main([str(OURS), '--objects', '0'])


def test_a_frame_of_track_rcnn_is_whole_though_it_comes_late() -> None:
    cfg = Config.fromfile(str(PEERS / 'track-rcnn_r18-half_fpn_synthetic.py'))
    found = [frame_complexity(cfg, (64, 96), objects=n) for n in (2, 4)]
    # a neck over maps of 32, 64, 128 and 256 channels, once
    expected = sum(
        conv(1, inputs, 64, 64 // s, 96 // s) + conv(3, 64, 64, 64 // s, 96 // s)
        for inputs, s in zip((32, 64, 128, 256), (4, 8, 16, 32))
    )
    parts = [one.by_part for one in found]
    assert parts[0]['detector.neck'] == expected
    assert parts[0]['detector.rpn_head'] > 0
    assert any(name.startswith('temporal_convs') for name in parts[0])
    grown = parts[1]['detector.roi_head'] - parts[0]['detector.roi_head']
    assert grown > 0
