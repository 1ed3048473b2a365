"""Imports ``mmtrack==1.0.0rc1`` beside packages that it was not made for.

MMTracking froze before mmcv 2.0 and mmdet 3.0 came out. Three things keep it from
importing today; each is bridged while it is imported, and no other module is left
changed:

- it asserts mmcv < 2.0.0 and mmdet < 3.0.0: it is shown versions that it accepts;
- two ReID modules want ``mmcls``, which was replaced: they get stand-ins;
- STARK wants ``mmdet.models.layers.Transformer``, which was dropped: the same.

What imports and then fails is mended in :mod:`.mends`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import metadata
from types import ModuleType
from typing import Any

import mmcv
import mmdet
import mmdet.models.layers
import mmengine.registry

from .mends import mend

MMTRACK = '1.0.0rc1'
INSTALL = 'make setup, or pip install --no-deps mmtrack==' + MMTRACK
NEEDS = "pip install $(grep -vE '^(#|mmtrack)' requirements/mmtrack.txt)"

SUBPACKAGES = (
    'registry',
    'structures',
    'utils',
    'models',
    'datasets',
    'datasets.samplers',
    'datasets.transforms',
    'engine',
    'evaluation',
    'visualization',
    'apis',
)
_ACCEPTED = {mmcv: '2.0.0rc4', mmdet: '3.0.0rc6'}
_NO_MMCLS = (
    'needs mmcls 1.0.0rc, which fits no current mmcv: ReID models of MMTracking '
    'cannot be built on this stack'
)
_NO_TRANSFORMER = (
    'needs mmdet.models.layers.Transformer, which MMDetection dropped at 3.0: STARK '
    'cannot be built on this stack'
)


def open_mmtrack() -> ModuleType:
    """Import mmtrack with all its registered modules.

    A second call does nothing; after a failure the next one starts afresh.

    Returns:
        The package.

    Raises:
        ImportError: One sentence: mmtrack is not installed, is another version, or
            lacks a package that it needs at run time.
    """
    if f'mmtrack.{SUBPACKAGES[-1]}' in sys.modules:
        return sys.modules['mmtrack']
    _check_installed()
    try:
        with ExitStack() as stack:
            for module, version in _ACCEPTED.items():
                stack.enter_context(_lent(module, '__version__', version))
            package = importlib.import_module('mmtrack')
        with ExitStack() as stack:
            if not hasattr(mmdet.models.layers, 'Transformer'):
                absent = _stand_in('Transformer', _NO_TRANSFORMER)
                stack.enter_context(_lent(mmdet.models.layers, 'Transformer', absent))
            stack.enter_context(_lent_mmcls())
            for name in SUBPACKAGES:
                importlib.import_module(f'mmtrack.{name}')
    except ModuleNotFoundError as error:
        _forget_mmtrack()
        raise ImportError(
            f'mmtrack needs {error.name}, which is not installed: {NEEDS}'
        ) from None
    except BaseException:
        _forget_mmtrack()
        raise
    mend()
    return package


def _check_installed() -> None:
    try:
        version = metadata.version('mmtrack')
    except metadata.PackageNotFoundError:
        raise ImportError(
            f'mmvist.interop.mmtrack needs mmtrack, which is not installed: {INSTALL}'
        ) from None
    if version != MMTRACK:
        raise ImportError(
            f'mmtrack {version} is installed, mmvist.interop.mmtrack bridges '
            f'{MMTRACK} alone: {INSTALL}'
        )


@contextmanager
def _lent(module: ModuleType, name: str, value: Any) -> Iterator[None]:
    """Give a module an attribute for a while."""
    missing = object()
    before = module.__dict__.get(name, missing)
    setattr(module, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(module, name)
        else:
            setattr(module, name, before)


@contextmanager
def _lent_mmcls() -> Iterator[None]:
    """An ``mmcls`` with the two classes that mmtrack imports, for a while.

    Also where one is installed: it would refuse the current mmcv.
    """
    names = (
        'mmcls',
        'mmcls.models',
        'mmcls.models.classifiers',
        'mmcls.evaluation',
        'mmcls.evaluation.metrics',
    )
    modules = {name: ModuleType(name) for name in names}
    classifiers = modules['mmcls.models.classifiers']
    classifiers.ImageClassifier = _stand_in('ImageClassifier', _NO_MMCLS)
    modules['mmcls.evaluation.metrics'].Accuracy = _stand_in('Accuracy', _NO_MMCLS)
    installed = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name.partition('.')[0] == 'mmcls'
    }
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(installed)


def _stand_in(name: str, reason: str) -> type:
    """A class to inherit from that says why it cannot be built."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise ImportError(f'{type(self).__name__} {reason}')

    return type(name, (), {'__init__': refuse, '__doc__': reason})


def _forget_mmtrack() -> None:
    """Undo half an import, its registries included."""
    for name in [one for one in sys.modules if one.partition('.')[0] == 'mmtrack']:
        del sys.modules[name]
    for registry in vars(mmengine.registry).values():
        if isinstance(registry, mmengine.registry.Registry):
            registry.children.pop('mmtrack', None)
