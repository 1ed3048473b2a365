"""What a check says: one line, and how bad it is."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

OK, NOTE, ERROR = 'ok', 'note', 'error'


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        level: ``OK``; ``NOTE``, it works and somebody should know; ``ERROR``, it
            does not work or gives wrong numbers.
        text: What it is, and where it is no ``OK`` the command or the edit that
            mends it.
    """

    level: str
    text: str

    def __str__(self) -> str:
        return f'{self.level:<7}{self.text}'


def count_findings(findings: Iterable[Finding]) -> str:
    """How many of each level, for people.

    Examples:
        >>> count_findings([Finding(ERROR, 'a'), Finding(ERROR, 'b')])
        '2 errors, 0 notes'
    """
    counts = Counter(finding.level for finding in findings)
    return ', '.join(
        f'{counts[level]} {level}' + ('' if counts[level] == 1 else 's')
        for level in (ERROR, NOTE)
    )
