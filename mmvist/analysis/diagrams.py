"""Reliability diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmvist.engine.errors import UserError

from .uncertainty import Uncertainty

PANELS = (('identity', 'same identity'), ('pixels', 'mask pixels'))


def reliability_diagrams(found: Mapping[int, Uncertainty], path: Path) -> None:
    """Draw how often what claims a probability comes true, a line for each S.

    Args:
        found: By number of draws.
        path: Picture; its ending says the format.

    Raises:
        UserError: It cannot be written.
    """
    # imported here: tests of the rest need no matplotlib
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(7, 4.6), layout='constrained')
    figure.get_layout_engine().set(h_pad=0.05)
    for column, (name, title) in enumerate(PANELS):
        above, below = axes[0, column], axes[1, column]
        above.plot((0, 1), (0, 1), color='0.7', linewidth=1)
        for count, one in found.items():
            claims = getattr(one, name)
            rows = claims.rows()
            label = f'S = {count}, ECE {claims.ece():.3f}'
            above.plot(
                [row[2] for row in rows], [row[3] for row in rows], 'o-', label=label
            )
            below.plot([row[2] for row in rows], [row[1] for row in rows], 'o-')
        above.set(title=title, ylabel='fraction right', xlim=(0, 1), ylim=(0, 1))
        above.legend(fontsize=8)
        below.set(xlabel='probability', ylabel='claims', xlim=(0, 1), yscale='log')
    try:
        figure.savefig(path, dpi=130)
    except (OSError, ValueError) as error:
        raise UserError(f'{path} cannot be written: {error}') from None
    plt.close(figure)
