"""Which videos of a training set are held out to test on.

The paper cuts the 2,238 training videos of YouTube-VIS 2019 at random into 2,038 and
200 and says no more. Here a rule stands for the draw: those 200 videos are held out
whose names have the smallest SHA-256. It needs no list, so that everyone who has the
data gets the same split, and a video keeps its place when others join the set.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmvist.datasets.converters.sequences import read_split_file
from mmvist.datasets.errors import DataError

PAPER_VIDEOS = 2238
PAPER_HELD_OUT = 200


def held_out_by_hash(names: Iterable[str], count: int) -> list[str]:
    """The names with the smallest SHA-256.

    Args:
        names: Of all videos; their order does not matter.
        count: How many to hold out.

    Returns:
        ``count`` names, sorted.
    """

    def digest(name: str) -> str:
        return hashlib.sha256(name.encode('utf-8')).hexdigest()

    return sorted(sorted(names, key=digest)[:count])


def held_out_videos(
    names: Sequence[str],
    source: str,
    count: int | None = None,
    listed: Path | None = None,
) -> list[str]:
    """Choose the videos that are held out.

    Args:
        names: Of all videos.
        source: Name of the json file, for messages.
        count: How many to take by the rule; by default the 200 of the paper.
        listed: File that names them, one a line, instead of the rule.

    Returns:
        Their names, sorted.

    Raises:
        DataError: Two videos have one name, the number does not fit, or the list
            names a video that is not there.
    """
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(f'{source}: two videos are named {twice[0]}; none can be cut')
    if listed is not None:
        held_out = sorted(read_split_file(listed))
        unknown = sorted(set(held_out) - set(names))
        if unknown:
            raise DataError(f'{listed}: {source} has no video {unknown[0]}')
        count = len(held_out)
    elif count is None:
        if len(names) != PAPER_VIDEOS:
            raise DataError(
                f'{source}: has {len(names)} videos, not the {PAPER_VIDEOS} that the '
                f'paper cuts into {PAPER_VIDEOS - PAPER_HELD_OUT} and '
                f'{PAPER_HELD_OUT}; say how many to hold out with --held-out-count'
            )
        count = PAPER_HELD_OUT
    if not 0 < count < len(names):
        raise DataError(
            f'{source}: {count} of {len(names)} videos cannot be held out; at least '
            'one has to stay on either side'
        )
    return held_out if listed is not None else held_out_by_hash(names, count)
