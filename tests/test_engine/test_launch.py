"""Configs, data files and metrics.json, as the tools treat them."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvist.engine import UserError
from mmvist.engine.launch import (
    add_common_arguments,
    ann_file_of,
    check_data,
    load_config,
    run_tool,
    write_metrics,
)


def arguments(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_common_arguments(parser)
    return parser.parse_args(argv)


def test_work_dir_of_the_command_line_then_the_config_then_its_name(
    tmp_path: Path,
) -> None:
    path = tmp_path / 'tiny.py'
    path.write_text('a = dict(b=1)\n')
    assert load_config(arguments(str(path))).work_dir == 'work_dirs/tiny'
    path.write_text("a = dict(b=1)\nwork_dir = 'x'\n")
    cfg = load_config(arguments(str(path), '--cfg-options', 'a.b=2'))
    assert (cfg.work_dir, cfg.a.b, cfg.launcher) == ('x', 2, 'none')
    assert load_config(arguments(str(path), '--work-dir', 'y')).work_dir == 'y'


def test_a_config_may_bring_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('sys.path', sys.path.copy())
    (tmp_path / 'module_beside_a_config.py').write_text('KNOWN = 3\n')
    path = tmp_path / 'tiny.py'
    path.write_text("custom_imports = dict(imports=['module_beside_a_config'])\n")
    load_config(arguments(str(path)))
    assert sys.modules.pop('module_beside_a_config').KNOWN == 3
    assert sys.path[-1] == str(tmp_path), 'no installed module is hidden'


def test_missing_config(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'none\.py does not exist'):
        load_config(arguments(str(tmp_path / 'none.py')))
    (tmp_path / 'a.txt').touch()
    with pytest.raises(UserError, match=r'a\.txt is no'):
        load_config(arguments(str(tmp_path / 'a.txt')))


@pytest.mark.parametrize(
    'dataset, path',
    [
        (dict(ann_file='a.json'), 'a.json'),
        (dict(ann_file='a.json', data_root='d/'), 'd/a.json'),
        (dict(ann_file='/a.json', data_root='d'), '/a.json'),
        (dict(ann_file='s3://b/a.json', data_root='d'), 's3://b/a.json'),
        (dict(type='Repeat', dataset=dict(ann_file='a', data_root='d')), 'd/a'),
    ],
)
def test_ann_file_is_joined_as_the_data_set_does(dataset: dict, path: str) -> None:
    assert ann_file_of(dataset) == path


def test_ann_file_missing_from_the_config() -> None:
    with pytest.raises(UserError, match='Toy names no ann_file'):
        ann_file_of(dict(type='Toy'))


def test_check_data_names_what_is_missing(tmp_path: Path) -> None:
    dataset = dict(
        ann_file='a.json', data_root=str(tmp_path), data_prefix=dict(img_path='img')
    )
    cfg = Config(
        dict(
            test_dataloader=dict(dataset=dict(type='Concat', datasets=[dataset])),
            test_evaluator=[dict(ann_file=str(tmp_path / 'b.json'))],
        )
    )
    for missing in ('a.json', 'img', 'b.json'):
        with pytest.raises(UserError, match=rf'{missing} of test_dataloader does not'):
            check_data(cfg, ['val_dataloader', 'test_dataloader'])
        (tmp_path / missing).mkdir()
    check_data(cfg, ['val_dataloader', 'test_dataloader'])


def test_metrics_keep_every_digit(tmp_path: Path) -> None:
    third = 1 / 3
    metrics = {
        'a/b': third,
        'np': np.float64(third),
        'torch': torch.tensor(2),
        'none': float('nan'),
        'list': [np.int64(1), (np.inf,)],
        'table': np.eye(2),
    }
    path = write_metrics(metrics, tmp_path / 'new')
    assert json.loads(path.read_text()) == {
        'a/b': third,
        'np': third,
        'torch': 2,
        'none': None,
        'list': [1, [None]],
        'table': [[1.0, 0.0], [0.0, 1.0]],
    }


def test_metrics_that_cannot_be_written_leave_the_old_file(tmp_path: Path) -> None:
    write_metrics({'a': 1}, tmp_path)
    with pytest.raises(TypeError):
        write_metrics({'a': object()}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['metrics.json']
    assert json.loads((tmp_path / 'metrics.json').read_text()) == {'a': 1}


def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # holds for the whole process of a tool, and would for the other tests
    monkeypatch.setattr('mmvist.engine.launch.force_weights_only', lambda: None)
    monkeypatch.setattr('mmvist.engine.launch.use_all_cores', lambda: None)

    def fail(error: Exception) -> None:
        raise error

    assert run_tool(lambda: None) == 0
    assert run_tool(lambda: fail(UserError('no such thing'))) == 2
    worker = 'Caught it in worker 0.\nTraceback\nDataError: frame 3 is missing\n'
    assert run_tool(lambda: fail(ValueError(worker)), ValueError) == 2
    with pytest.raises(ZeroDivisionError):
        run_tool(lambda: fail(ZeroDivisionError()))
    said = capsys.readouterr().err.splitlines()
    assert said[0] == 'error: no such thing'
    assert said[1] == 'error: DataError: frame 3 is missing'
