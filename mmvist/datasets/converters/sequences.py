"""Which sequences make a split."""

import re
from collections.abc import Iterable
from pathlib import Path

from mmvist.datasets.errors import DataError
from mmvist.files import whole_file

# The split that TrackR-CNN made of KITTI's 21 training sequences; its val part
# holds 8,029 cars and 3,347 pedestrians.
KITTI_MOTS_SPLITS: dict[str, tuple[str, ...]] = {
    'train': tuple(f'{i:04}' for i in (0, 1, 3, 4, 5, 9, 11, 12, 15, 17, 19, 20)),
    'val': tuple(f'{i:04}' for i in (2, 6, 7, 8, 10, 13, 14, 16, 18)),
}


def expand_sequences(names: Iterable[str]) -> list[str]:
    """Spell out ranges: ``0003-0005`` means 0003, 0004, 0005.

    Raises:
        DataError: If a range runs backwards, or a sequence is named twice.
    """
    expanded: list[str] = []
    for name in names:
        ends = re.fullmatch(r'(\d+)-(\d+)', name)
        if not ends:
            expanded.append(name)
            continue
        first, last = (int(end) for end in ends.groups())
        if last < first:
            raise DataError(f'{name}: the range of sequences runs backwards')
        width = len(ends.group(1))
        expanded += [f'{i:0{width}}' for i in range(first, last + 1)]
    twice = {name for name in expanded if expanded.count(name) > 1}
    if twice:
        raise DataError(f'{min(twice)}: this sequence is named twice')
    return expanded


def read_split_file(path: str | Path) -> list[str]:
    """Read a split: one sequence (or range) a line, ``#`` starts a comment.

    Of a line only the first word counts, so that TrackEval's ``.seqmap`` files
    (name, "empty", first frame, last frame) can be read too.

    Raises:
        DataError: If the file is missing, is no text or names no sequence.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f'{path}: no such split file')
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: is no text file that can be read') from error
    lines = [line.split('#')[0].strip() for line in text.splitlines()]
    sequences = expand_sequences(line.split()[0] for line in lines if line)
    if not sequences:
        raise DataError(f'{path}: names no sequence; write one a line')
    return sequences


def write_split_file(path: str | Path, sequences: Iterable[str]) -> None:
    """Write a split that :func:`read_split_file` reads."""
    with whole_file(path) as part:
        part.write_text(''.join(f'{name}\n' for name in sequences), encoding='utf-8')


def sequences_of_split(root: str | Path, split: str, frames_dir: Path) -> list[str]:
    """Find the sequences of a split by name.

    Args:
        root: The data set; its own ``splits/<split>.txt`` comes first.
        split: ``all``, a split of the data set's own, or KITTI MOTS's ``train``
            or ``val``.
        frames_dir: Where the sequences' folders lie.

    Returns:
        Names of folders under ``frames_dir``.

    Raises:
        DataError: If there is no such split or no sequence.
    """
    if split == 'all':
        # hidden ones are those of editors and notebooks
        folders = [p for p in frames_dir.glob('[!.]*') if p.is_dir()]
        sequences = sorted(folder.name for folder in folders)
        if not sequences:
            raise DataError(f'{frames_dir}: no sequences there')
        return sequences
    own = Path(root) / 'splits' / f'{split}.txt'
    if own.is_file():
        return read_split_file(own)
    if split in KITTI_MOTS_SPLITS:
        return list(KITTI_MOTS_SPLITS[split])
    raise DataError(
        f'{own}: no such split file, and KITTI MOTS knows only '
        f'{sorted(KITTI_MOTS_SPLITS)}'
    )
