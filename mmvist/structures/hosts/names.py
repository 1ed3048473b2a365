"""Names as data sets of the hosts have them."""

from __future__ import annotations

from collections.abc import Sequence


def class_names(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """``classes`` of a metainfo; some data sets of the hosts name one as a string."""
    return (names,) if isinstance(names, str) else tuple(names or ())
