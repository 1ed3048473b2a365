"""Plain tables for the log."""

from collections.abc import Sequence


def format_table(title: str, header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Align a table: first column to the left, the others to the right.

    Args:
        title: Line above the table.
        header: Column names.
        rows: Cells; floats are shown with three digits, None as ``-``.

    Examples:
        >>> print(format_table('A', ['class', 'TP'], [['car', 3], ['dog', None]]))
        A
        class  TP
        ---------
        car     3
        dog     -
    """
    lines = [list(header)] + [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    texts = [
        '  '.join(
            [line[0].ljust(widths[0])]
            + [
                cell.rjust(width)
                for cell, width in zip(line[1:], widths[1:], strict=True)
            ]
        ).rstrip()
        for line in lines
    ]
    rule = '-' * (sum(widths) + 2 * (len(widths) - 1))
    return '\n'.join([title, texts[0], rule, *texts[1:]])


def _cell(value: object) -> str:
    if value is None:
        return '-'
    return f'{value:.3f}' if isinstance(value, float) else str(value)
