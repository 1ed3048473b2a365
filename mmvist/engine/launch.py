"""What ``tools/train.py`` and ``tools/test.py`` share.

Arguments are MMDetection's own. A mistake of the user (see
:func:`~mmvist.engine.mistakes.line_of`) ends in one line on standard error and exit
code 2.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.distributed as dist
from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmvist.files import whole_file

from .checkpoint import force_weights_only
from .errors import INCOMPLETE, IncompleteError, UserError
from .interrupt import INTERRUPTED
from .mistakes import line_of
from .runner import VISTRunner


class CfgOptions(DictAction):
    """``--cfg-options``; what is no KEY=VALUE is a line and exit code 2."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        for pair in values:
            if '=' not in pair:
                parser.error(f'{option_string} {pair}: write it as KEY=VALUE')
        super().__call__(parser, namespace, values, option_string)


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that MMDetection's training and testing tools share."""
    parser.add_argument(
        '--work-dir', help='folder of logs, checkpoints and metrics.json'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that replace those of the config, as key=value; a list is '
        'key="[a,b]" or key=a,b, without white space',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes were started',
    )
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help='set by a launcher'
    )


def load_config(args: argparse.Namespace) -> Config:
    """The config of a command line, its ``work_dir`` settled.

    The folder is that of the command line, else of the config, else
    ``work_dirs/<name of the config>``. ``custom_imports`` may name a module that
    lies beside the config.

    Raises:
        UserError: The config does not exist or is no config.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    name = Path(args.config).stem
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or f'work_dirs/{name}'
    return cfg


def read_config(path: str | os.PathLike, options: dict | None = None) -> Config:
    """A config as MMDetection or MMTracking writes it.

    Args:
        path: The file.
        options: Settings that replace those of the file.

    Raises:
        UserError: The config does not exist or is no config.
    """
    cfg = read_file(Path(path))
    if options:
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, IndexError) as error:
            raise UserError(
                f'--cfg-options do not fit config {path}: {str(error).strip(chr(34))}'
            ) from error
    if cfg.get('default_scope') == 'mmtrack':
        _settle_mmtrack(cfg)
    return cfg


def read_file(path: Path) -> Config:
    """Read a config, which may import modules that lie beside it.

    Raises:
        UserError: The config does not exist or is no config.
    """
    if not path.is_file():
        raise UserError(f'config {path} does not exist')
    if path.suffix not in ('.py', '.json', '.yaml', '.yml'):
        raise UserError(f'config {path} is no .py, .json or .yaml file')
    beside = str(path.parent.resolve())
    if beside not in sys.path:
        sys.path.append(beside)  # last: an installed module is not hidden
    try:
        return Config.fromfile(str(path))
    except FileNotFoundError:
        raise
    except Exception as error:  # a config is code, and may fail in any way
        reason = str(error).strip().splitlines()[-1:] or ['']
        raise UserError(
            f'config {path} cannot be read: {type(error).__name__}: {reason[0]}'
        ) from error


def _settle_mmtrack(cfg: Config) -> None:
    """Bring a config of MMTracking to the current stack.

    Raises:
        UserError: The loaders' processes would not be able to import mmtrack.
    """
    start = cfg.get('env_cfg', {}).get('mp_cfg', {}).get('mp_start_method', 'fork')
    if start != 'fork':
        raise UserError(
            f'mp_start_method={start!r}: processes that load MMTracking data cannot '
            "import mmtrack then; set env_cfg.mp_cfg.mp_start_method='fork'"
        )
    # imported here: mmtrack is an extra that most users do not have
    from mmvist.interop.mmtrack.configs import spell_classes

    spell_classes(cfg)


def build_runner(cfg: Config) -> Runner:
    """The runner of a config, :class:`VISTRunner` unless it names another.

    Raises:
        UserError: The config has no model.
    """
    if 'model' not in cfg:
        raise UserError(
            f'config {cfg.filename} has no model; is it one of data or a schedule?'
        )
    if 'runner_type' in cfg:
        return RUNNERS.build(cfg)
    return VISTRunner.from_cfg(cfg)


def use_all_cores() -> None:
    """Threads of torch: ``OMP_NUM_THREADS``, else every core; of OpenCV: none.

    OpenCV's threads would fight with torch's and with the loader's processes.
    """
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, 'sched_getaffinity')
        else os.cpu_count() or 1
    )
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS') or cores))
    cv2.setNumThreads(0)


def inner_dataset(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data set config inside wrappers such as ``RepeatDataset``."""
    while isinstance(dataset.get('dataset'), Mapping):
        dataset = dataset['dataset']
    return dataset


def ann_file_of(dataset: Mapping[str, Any]) -> str:
    """Path of a data set's annotation file, joined as ``BaseDataset`` does it.

    Args:
        dataset: Config of a data set, also a wrapped one.

    Raises:
        UserError: The config names no annotation file.
    """
    dataset = inner_dataset(dataset)
    ann_file = dataset.get('ann_file')
    if not ann_file:
        raise UserError(f'data set {dataset.get("type")} names no ann_file')
    return _joined(dataset.get('data_root'), ann_file)


def check_data(cfg: Config, loaders: Sequence[str]) -> None:
    """Look for the files that a run is going to read.

    Args:
        cfg: The whole config.
        loaders: Names of data loaders, such as ``'train_dataloader'``; the
            evaluator of the same name is looked at too. Those that the config
            does not have are passed over.

    Raises:
        UserError: One line that names the first annotation file or image folder
            that does not exist.
    """
    for loader in loaders:
        for what, path in _paths(cfg, loader):
            if '://' not in path and not Path(path).exists():
                raise UserError(f'{what} {path} of {loader} does not exist')


def _paths(cfg: Config, loader: str) -> Iterator[tuple[str, str]]:
    """(what it is, path) of the annotation files and image folders."""
    dataset = inner_dataset((cfg.get(loader) or {}).get('dataset') or {})
    parts = dataset.get('datasets') or [dataset]  # of a ConcatDataset
    for part in map(inner_dataset, parts):
        root = part.get('data_root')
        if part.get('ann_file'):
            yield 'annotation file', _joined(root, part['ann_file'])
        prefix = part.get('data_prefix') or {}
        for key in ('img', 'img_path'):
            if prefix.get(key):
                yield 'image folder', _joined(root, prefix[key])
    metrics = cfg.get(loader.replace('_dataloader', '_evaluator')) or []
    for metric in [metrics] if isinstance(metrics, Mapping) else metrics:
        if metric.get('ann_file'):
            yield 'annotation file', metric['ann_file']


def _joined(root: str | None, path: str) -> str:
    return path if '://' in path or not root else os.path.join(root, path)


def write_metrics(metrics: Mapping[str, Any], work_dir: str | os.PathLike) -> Path:
    """Write ``metrics.json``, whole or not at all; only the main process does.

    Numbers keep every digit; one that is not finite becomes null.

    Args:
        metrics: Names and numbers, as ``Runner.test`` returns them.
        work_dir: Folder of the file; made where it does not exist.

    Returns:
        Path of the file.
    """
    path = Path(work_dir) / 'metrics.json'
    if not is_main_process():
        return path
    text = json.dumps(_plain(metrics), indent=2, allow_nan=False) + '\n'
    with whole_file(path) as part:
        part.write_text(text, encoding='utf-8')
    return path


def _plain(value: Any) -> Any:
    """What json can hold: NumPy's and torch's numbers as Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def run_tool(
    main: Callable[[], None], *mistakes: type[Exception], stopped: str = 'stopped'
) -> int:
    """Run a tool; a user's mistake becomes one line.

    Args:
        main: The tool.
        *mistakes: Further exceptions whose message is for the user.
        stopped: What to say after Ctrl-C.

    Returns:
        Exit code: 0, 2 after a mistake, 3 after one that left results
        (:class:`IncompleteError`), 130 after Ctrl-C.
    """
    force_weights_only()
    use_all_cores()
    try:
        main()
    except Exception as error:
        line = line_of(error, mistakes)
        if line is None:
            raise
        if _rank() == 0:
            print(f'error: {line}', file=sys.stderr)
        return INCOMPLETE if isinstance(error, IncompleteError) else 2
    except KeyboardInterrupt:
        if _rank() == 0:
            print(f'\n{stopped}', file=sys.stderr)
        return INTERRUPTED
    finally:
        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()
    return 0


def _rank() -> int:
    # slurm's own name counts until the processes have joined
    return int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', 0)))
