"""A model of a comparison: its schedule, its folder, its time."""

import json
from pathlib import Path

import pytest
from mmengine.config import Config

from mmvist.engine.candidate import Candidate, set_iterations, training_seconds
from mmvist.engine.errors import UserError

CONFIGS = Path(__file__).parents[2] / 'configs'
VAEVIST = CONFIGS / 'vae_vist' / 'vae-vist_mask-rcnn_r18-half_fpn_synthetic.py'


@pytest.mark.parametrize('iterations', [1, 200, 2000, 6000])
def test_a_schedule_of_another_length_keeps_its_shape(iterations: int) -> None:
    cfg = Config(
        dict(
            train_cfg=dict(max_iters=2000),
            param_scheduler=[
                dict(type='LinearLR', begin=0, end=100),
                dict(type='CosineAnnealingLR', T_max=1900, begin=100, end=2000),
            ],
        )
    )
    set_iterations(cfg, iterations)
    warm, cosine = cfg.param_scheduler
    assert cfg.train_cfg.max_iters == iterations
    assert warm.begin < warm.end
    assert cosine.begin < cosine.end
    assert cosine.T_max == max(1, round(1900 * iterations / 2000))


def test_a_folder_with_other_settings_is_left_alone(tmp_path: Path) -> None:
    one = Candidate('a', VAEVIST, tmp_path / 'a.b')
    one.keep(one.read(Path('data'), seed=0, iterations=500))
    one.keep(one.read(Path('data'), seed=0, iterations=500))
    assert one.config == tmp_path / 'a.b.py'
    assert one.checkpoint == tmp_path / 'a.b' / 'iter_500.pth'
    cfg = Config.fromfile(str(one.config))
    assert cfg.test_evaluator[0].ann_file == 'data/annotations/val.json'
    with pytest.raises(UserError, match='with other settings'):
        one.keep(one.read(Path('data'), seed=1, iterations=500))


def test_time_of_training_counts_what_was_done_twice_once(tmp_path: Path) -> None:
    def log(name: str, *lines: dict) -> Path:
        path = tmp_path / name
        path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
        return path

    first = log(
        'first',
        dict(loss=1.0, time=0.5, iter=20),
        dict(loss=1.0, time=0.5, iter=40),
        {'mots/sMOTSA': 0.1, 'time': 9.0, 'iter': 40},
    )
    second = log(
        'second',
        dict(loss=1.0, time=1.0, iter=40),
        dict(loss=1.0, time=2.0, iter=45),
    )
    assert training_seconds([first, second]) == 20 * 0.5 + 20 * 1.0 + 5 * 2.0
    assert training_seconds([]) == 0
