"""Reading checkpoints: weights and MMEngine's own bookkeeping, never code.

MMEngine falls back to ``torch.load(weights_only=False)`` where the safe way
fails, which runs whatever a file holds. Here the safe way is the only one.
"""

import codecs
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, load_state_dict
from mmengine.utils import digit_version
from torch import Tensor, nn

from mmvist.structures.hosts import class_names

from .errors import CheckpointError

# below this share of the model's weights a checkpoint is of another model
FOREIGN_BELOW = 0.5
# torch's own switch: weights_only=False in a call no longer counts
FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'


def _statistic_of(owner: type, name: str) -> Callable:
    """``getattr`` as far as a pickled ``HistoryBuffer`` needs it."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise UnpicklingError(f'Unsupported global: GLOBAL getattr of {name}')
    return getattr(owner, name)


def _allowed() -> list:
    """What may be called to rebuild a checkpoint, in torch's two spellings."""
    core = np._core if hasattr(np, '_core') else np.core
    arrays = [core.multiarray._reconstruct, core.multiarray.scalar]
    codes = ('?', 'b', 'B', 'h', 'H', 'i', 'I', 'l', 'L', 'q', 'Q', 'e', 'f', 'd', 'U')
    plain = [HistoryBuffer, np.ndarray, np.dtype, codecs.encode, slice]
    plain += list({type(np.dtype(code)) for code in codes})
    if digit_version(torch.__version__) < digit_version('2.6'):
        # no names can be given to what is allowed
        return [*plain, *arrays, getattr]
    # a file written under NumPy 1 names the old module, and the other way round
    named = [
        (function, f'numpy.{module}.multiarray.{function.__name__}')
        for function in arrays
        for module in ('core', '_core')
    ]
    return [*plain, *named, (_statistic_of, 'builtins.getattr')]


def force_weights_only() -> None:
    """Let nothing in this process unpickle more than :func:`load_checkpoint` does.

    For a tool: what the hosts read on their own, such as the ``init_cfg`` of a
    backbone, is then read as weights too.
    """
    os.environ[FORCE] = '1'
    torch.serialization.add_safe_globals(_allowed())


@contextmanager
def _weights_only() -> Iterator[None]:
    """Only :func:`_allowed` may be unpickled, whatever a caller asks for."""
    serialization = torch.serialization
    forced, known = os.environ.get(FORCE), serialization.get_safe_globals()
    os.environ[FORCE] = '1'
    serialization.clear_safe_globals()
    serialization.add_safe_globals(_allowed())
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(known)
        if forced is None:
            del os.environ[FORCE]
        else:
            os.environ[FORCE] = forced


def load_checkpoint(
    filename: str | os.PathLike, map_location: Any = 'cpu'
) -> dict[str, Any]:
    """Read a checkpoint without running anything that it holds.

    Args:
        filename: A file, or an address that MMEngine knows (``https://...``).
        map_location: As in :func:`torch.load`.

    Returns:
        The checkpoint, with its weights under ``'state_dict'`` also where the
        file is a bare dict of tensors, without the config that old ones hold as text.

    Raises:
        CheckpointError: The file is missing, is no checkpoint, or holds more
            than tensors, plain values and MMEngine's log history.
    """
    name = os.fspath(filename)
    remote = '://' in name
    if not remote and not Path(name).expanduser().is_file():
        raise CheckpointError(f'checkpoint {name} does not exist')
    try:
        with _weights_only():
            if remote:
                checkpoint = CheckpointLoader.load_checkpoint(name, map_location)
            else:
                checkpoint = torch.load(
                    Path(name).expanduser(), map_location, weights_only=True
                )
    except UnpicklingError as error:
        raise CheckpointError(
            f'checkpoint {name} is refused, only weights are read: {refusal(error)}'
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CheckpointError(f'checkpoint {name} cannot be read: {reason}') from None
    return _with_state_dict(checkpoint, name)


def refusal(error: UnpicklingError) -> str:
    """What torch says over many lines, in a few words."""
    found = re.search(r'GLOBAL ([\w.]+)', str(error))
    return f'it asks for {found[1]}' if found else 'it is no file of weights'


def _with_state_dict(checkpoint: Any, name: str) -> dict[str, Any]:
    """The checkpoint as a dict that has a ``'state_dict'`` of tensors."""
    if isinstance(checkpoint, Mapping) and 'state_dict' not in checkpoint:
        checkpoint = dict(state_dict=checkpoint)
    weights = checkpoint['state_dict'] if isinstance(checkpoint, Mapping) else None
    if not isinstance(weights, Mapping) or not any(
        isinstance(value, Tensor) for value in weights.values()
    ):
        raise CheckpointError(f'checkpoint {name} holds no weights')
    meta = checkpoint.get('meta')
    if isinstance(meta, dict):
        # MMEngine runs this one as a config when it resumes; its own is under 'cfg'
        meta.pop('config', None)
    return checkpoint


def latest_checkpoint(work_dir: str | os.PathLike) -> str | None:
    """The checkpoint to go on from: that of ``last_checkpoint``, else the newest.

    A process that was killed may have left that file empty, or naming what is gone.
    """
    folder = Path(work_dir)
    try:
        named = (folder / 'last_checkpoint').read_text().strip()
    except OSError:
        named = ''
    if named and ('://' in named or Path(named).is_file()):
        return named
    found = [*folder.glob('iter_*.pth'), *folder.glob('epoch_*.pth')]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return None if newest is None else str(newest)


def strip_wrapper(state_dict: Mapping[str, Any]) -> OrderedDict[str, Any]:
    """Names without the ``module.`` that a distributed wrapper puts in front."""
    plain = OrderedDict((re.sub(r'^module\.', '', k), v) for k, v in state_dict.items())
    metadata = getattr(state_dict, '_metadata', None)
    if metadata is not None:
        plain._metadata = metadata  # layers read their version from it
    return plain


def check_fit(
    model: nn.Module, state_dict: Mapping[str, Any], name: str, whole: bool = True
) -> None:
    """Refuse weights that are not this model's.

    Args:
        model: The model that will take the weights.
        state_dict: Names as in the model, without a wrapper's prefix.
        name: The checkpoint's name, for the message.
        whole: The weights are to make up this very model (testing, resuming):
            every shape has to fit and at least half of the weights to be there.
            False for a start of training from another model, where one weight
            that fits is enough.

    Raises:
        CheckpointError: One line that says what does not fit.
    """
    own = model.state_dict()
    shared = [key for key in own if key in state_dict]
    fitting = [key for key in shared if _shape(own[key]) == _shape(state_dict[key])]
    if whole and len(fitting) < len(shared):
        key = next(key for key in shared if key not in set(fitting))
        raise CheckpointError(
            f'checkpoint {name} does not fit the config: {key} is '
            f'{_shape(state_dict[key])} there and {_shape(own[key])} in the model '
            f'({len(shared) - len(fitting)} such weights)'
        )
    if not fitting or (whole and len(fitting) < FOREIGN_BELOW * len(own)):
        raise CheckpointError(
            f'checkpoint {name} is of another model: it holds {len(fitting)} of the '
            f'{len(own)} weights of {type(model).__name__}'
        )


def check_classes(
    checkpoint: Mapping[str, Any], classes: Sequence[str] | str | None, name: str
) -> None:
    """Refuse weights that were trained for other classes, or in another order.

    Args:
        checkpoint: As :func:`load_checkpoint` gives it. One that does not say its
            classes passes.
        classes: Those of the data that the weights are to be used on, if known.
        name: The checkpoint's name, for the message.

    Raises:
        CheckpointError: One line with both lists.
    """
    meta = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
    trained = class_names(meta.get('classes', meta.get('CLASSES')))
    classes = class_names(classes)
    # a longer list that begins in the same way means the same by each label, as
    # that of MMDetection's MOTChallengeDataset beside a detector of pedestrians
    if trained and classes and any(a != b for a, b in zip(trained, classes)):
        raise CheckpointError(
            f'checkpoint {name} was trained for the classes {", ".join(trained)}, but '
            f'the data set of the config has {", ".join(classes)}; set '
            'metainfo=dict(classes=...) of the data set if they mean the same'
        )


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def load_weights(
    model: nn.Module,
    filename: str | os.PathLike,
    map_location: Any = 'cpu',
) -> dict[str, Any]:
    """Read a checkpoint safely and put its weights into ``model``.

    Weights that the model has and the checkpoint lacks stay as they are, and the log
    names them; a checkpoint for testing may leave out what only training uses.

    Args:
        model: The model, not wrapped for distribution.
        filename: As in :func:`load_checkpoint`.
        map_location: As in :func:`torch.load`.

    Returns:
        The whole checkpoint.

    Raises:
        CheckpointError: As :func:`load_checkpoint` and :func:`check_fit`.
    """
    checkpoint = load_checkpoint(filename, map_location)
    weights = strip_wrapper(checkpoint['state_dict'])
    check_fit(model, weights, os.fspath(filename))
    load_state_dict(model, weights, strict=False, logger='current')
    return checkpoint
