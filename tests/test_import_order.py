"""Imports run one way through the packages of mmvist, lazy ones too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import mmvist

ROOT = Path(mmvist.__file__).parent


def imported(path: Path) -> Iterator[str]:
    """Packages of mmvist that a module names, at its top or inside a function."""
    inside = ('mmvist', *path.relative_to(ROOT).with_suffix('').parts)
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level] if node.level else ()
            start = '.'.join((*above, *filter(None, [node.module])))
            names = [f'{start}.{one.name}' for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        for name in names:
            parts = name.split('.')
            if parts[0] == 'mmvist' and len(parts) > 1:
                yield parts[1]


def test_imports_run_one_way() -> None:
    graph: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob('*.py')):
        package = path.relative_to(ROOT).parts[0].removesuffix('.py')
        if package != '__init__':
            graph.setdefault(package, set()).update({*imported(path)} - {package})
    order = list(TopologicalSorter(graph).static_order())  # raises at a circle
    assert order.index('engine') < order.index('apis') < order.index('monitor')
    assert not graph['models'] & {'datasets', 'evaluation', 'apis', 'interop'}
    assert not graph['structures'] & {'models'}
