"""The tables as markdown and json, and the plot over training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot as plt

from mmvist.evaluation.trackeval_mots import COUNTS
from mmvist.files import whole_file

from .comparison import COLUMNS, Interval, spread
from .rows import Row

SHOWN = ('sMOTSA', 'MOTSA', 'MOTSP', *COUNTS[:4], 'HOTA', 'AssA', 'IDF1')
AP = 'youtube_vis/segm_mAP'
Records = Mapping[int, Mapping[str, Any]]
"""Seed to what was kept of a finished run."""


@dataclass
class RowResult:
    """A row and what came out of it.

    Attributes:
        row: The row.
        records: Its finished runs.
        differences: To VAE-VIST, empty for that itself.
    """

    row: Row
    records: Records
    differences: Mapping[str, Interval]

    def numbers(self, key: str) -> list[float]:
        """A number of each seed; none where a run does not have it."""
        found = (one['metrics'].get(key) for one in self.records.values())
        return [value for value in found if value is not None]

    @property
    def classes(self) -> list[str]:
        """Those that have numbers."""
        keys = next(iter(self.records.values()))['metrics'] if self.records else {}
        parts = (key.split('/') for key in keys if key.startswith('mots/'))
        return list(dict.fromkeys(p[1] for p in parts if len(p) == 3 and p[2] == 'GT'))

    def cost(self, key: str) -> float | None:
        """Mean of a time or of a memory over the seeds that know it."""
        found = [one[key] for one in self.records.values() if one.get(key)]
        return sum(found) / len(found) if found else None


def markdown(results: Sequence[RowResult], title: str) -> str:
    """All tables: overall, by class, what was spent, differences."""
    done = [one for one in results if one.records]
    classes = list(dict.fromkeys(name for one in done for name in one.classes))
    parts = [f'## {title}', _numbers(done, 'overall', '', AP)]
    for name in classes:
        parts.append(_numbers(done, name, f'{name}/', f'youtube_vis/{name}/segm_mAP'))
    parts.append(_costs(done))
    compared = [one for one in done if one.differences]
    if compared:
        parts.append(_differences(compared))
    return '\n\n'.join(parts) + '\n'


def as_json(results: Sequence[RowResult]) -> dict[str, Any]:
    """The same, with every digit and every run."""
    rows = {}
    for one in results:
        names = {key for run in one.records.values() for key in run['metrics']}
        summary = {}
        for name in sorted(names):
            values = [v for v in one.numbers(name) if isinstance(v, int | float)]
            if values:
                summary[name] = dict(zip(('mean', 'std'), spread(values), strict=True))
        rows[one.row.name] = dict(
            title=one.row.title,
            runs=one.records,
            summary=summary,
            difference_to_vae_vist={k: asdict(v) for k, v in one.differences.items()},
        )
    return rows


def plot(results: Sequence[RowResult], path: Path) -> bool:
    """Overall sMOTSA against training iterations; False without points."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout='constrained')
    drawn = False
    for one in results:
        for run in one.records.values():
            points = sorted((int(k), v) for k, v in run['curve'].items())
            if points:
                at, values = zip(*points, strict=True)
                axes.plot(
                    at,
                    values,
                    marker='o',
                    markersize=3,
                    label=f'{one.row.title}, seed {run["seed"]}',
                )
                drawn = True
    axes.set(xlabel='training iterations', ylabel='overall sMOTSA')
    axes.grid(alpha=0.3)
    if drawn:
        axes.legend(fontsize=8)
        with whole_file(path) as part:
            figure.savefig(part, dpi=150)
    plt.close(figure)
    return drawn


def write(results: Sequence[RowResult], title: str, stem: Path) -> list[Path]:
    """Write ``<stem>.md``, ``.json`` and ``.png``; returns what was written."""
    paths = [stem.with_suffix('.md'), stem.with_suffix('.json')]
    texts = markdown(results, title), json.dumps(as_json(results), indent=1) + '\n'
    for path, text in zip(paths, texts, strict=True):
        with whole_file(path) as part:
            part.write_text(text)
    picture = stem.with_suffix('.png')
    return [*paths, picture] if plot(results, picture) else paths


def _numbers(results: Sequence[RowResult], title: str, prefix: str, ap: str) -> str:
    lines = []
    for one in results:
        cells = [
            _mean(one.numbers(f'mots/{prefix}{name}'), name in COUNTS) for name in SHOWN
        ]
        cells.append(_mean(one.numbers(ap), False))
        lines.append([one.row.title, str(len(one.records)), *cells])
    return table([title, 'seeds', *SHOWN, 'AP'], lines)


def _costs(results: Sequence[RowResult]) -> str:
    """Time and memory; settings that the search has chosen."""
    lines = []
    for one in results:
        training = one.cost('training_seconds')
        memory = one.cost('training_memory')
        test = one.cost('test_seconds')
        settings = next(iter(one.records.values()))['settings']
        chosen = ', '.join(
            f'{key.rsplit(".", 1)[-1]} {value:g}'
            for key, value in settings.items()
            if not isinstance(value, bool) and isinstance(value, int | float)
        )
        lines.append(
            [
                one.row.title,
                str(next(iter(one.records.values()))['iterations']),
                f'{training / 60:.1f} min' if training else '-',
                f'{memory:.0f} MB' if memory else '-',
                f'{test:.0f} s' if test else '-',
                chosen or '-',
            ]
        )
    header = ['spent', 'iterations', 'training', 'memory', 'test', 'settings']
    return table(header, lines)


def _differences(results: Sequence[RowResult]) -> str:
    names = [name for name in SHOWN if name in COLUMNS]
    lines = []
    for one in results:
        cells = []
        for name in names:
            found = one.differences[name]
            digits = 1 if name in COUNTS else 3
            text = (
                f'{found.mean:+.{digits}f} [{found.low:+.{digits}f}, '
                f'{found.high:+.{digits}f}]'
            )
            cells.append(f'**{text}**' if found.certain else text)
        lines.append([one.row.title, *cells])
    return table(['minus VAE-VIST', *names], lines)


def _mean(values: Sequence[float], count: bool) -> str:
    if not values:
        return '-'
    mean, deviation = spread(values)
    digits = 0 if count else 3
    text = f'{mean:.{digits}f}'
    return f'{text} ± {deviation:.{digits}f}' if len(values) > 1 else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As markdown."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
