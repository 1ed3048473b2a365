"""MOTS txt: one instance of one frame a line.

``frame id class height width rle``, separated by spaces, where id is class * 1000 +
instance, 10000 a region that is not judged, and rle COCO's compressed run-length
code. KITTI MOTS counts frames from 0, MOTSChallenge from 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import IGNORE_CLASS
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError, Report, refuse

FIELDS = 'frame id class height width rle'
_NUMBER = re.compile(r'[0-9]{1,9}')


@dataclass(frozen=True)
class TxtInstance:
    """A line.

    Attributes:
        value: class * 1000 + instance; what names the instance.
        category_id: Class number, or ``IGNORE_CLASS``.
        rle: Compressed code with ``counts`` as bytes.
        line: Its number in the file, for messages.
    """

    value: int
    category_id: int
    rle: dict
    line: int


def read_mots_txt(
    path: str | Path,
    classes: dict[int, str],
    ids_by_class: bool = True,
    report: Report = refuse,
) -> dict[int, list[TxtInstance]]:
    """Read a file.

    Args:
        path: The file.
        classes: Class number to name.
        ids_by_class: Ids are class * 1000 + instance, as in a truth; those of
            predictions need not be.
        report: Hears when a line cannot be read, has an id outside its class or a
            class that is not listed, comes twice, or when its mask overlaps another
            one of its frame. Where it returns, a line that cannot be used is left
            out.

    Returns:
        Instances by frame number, as the file counts, in the order of the lines.

    Raises:
        DataError: By default, at the first thing that is wrong.
    """
    path = Path(path)
    frames: dict[int, list[TxtInstance]] = {}
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except OSError as error:
        report(DataError(f'{path}: cannot be read ({error.strerror}); fetch it again'))
        return {}
    except ValueError:
        report(DataError(f'{path}: is no text file; fetch it again'))
        return {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f'{path}:{number}'
            try:
                frame, instance = _parse(line, where, number, classes, ids_by_class)
            except DataError as error:
                report(error)
                continue
            frames.setdefault(frame, []).append(instance)
    return {
        frame: _usable(instances, path, frame, report)
        for frame, instances in frames.items()
    }


def _parse(
    line: str, where: str, number: int, classes: dict[int, str], ids_by_class: bool
) -> tuple[int, TxtInstance]:
    fields = line.split()
    if len(fields) != 6:
        raise DataError(f'{where}: has {len(fields)} fields, not the six of {FIELDS}')
    if not all(_NUMBER.fullmatch(field) for field in fields[:5]):
        raise DataError(
            f'{where}: {" ".join(fields[:5])[:60]} are not five whole numbers '
            'from 0; write the line anew'
        )
    frame, value, category, height, width = map(int, fields[:5])
    if category not in classes and category != IGNORE_CLASS:
        raise DataError(
            f'{where}: class {category} is none of {classes}; '
            + ('name it with --classes' if ids_by_class else 'use those numbers')
        )
    if ids_by_class and value // 1000 != category:
        raise DataError(
            f'{where}: id {value} is outside its class {category} (ids of it are '
            f'{category}000 to {category}999)'
        )
    size = (height, width)
    rle = read_segmentation(dict(size=size, counts=fields[5]), size, where)
    return frame, TxtInstance(value, category, rle, number)


def _usable(
    instances: list[TxtInstance], path: Path, frame: int, report: Report
) -> list[TxtInstance]:
    """Those of one size, each once; no pixel should belong to two."""
    first: dict[int, TxtInstance] = {}
    usable: list[TxtInstance] = []
    for one in instances:
        if one.rle['size'] != instances[0].rle['size']:
            report(
                DataError(
                    f'{path}:{one.line}: size {one.rle["size"]} is not that of line '
                    f'{instances[0].line}, {instances[0].rle["size"]}, of the same '
                    'frame; make both one size'
                )
            )
        elif one.value in first and one.category_id != IGNORE_CLASS:
            report(
                DataError(
                    f'{path}:{one.line}: id {one.value} is in frame {frame} already, '
                    f'at line {first[one.value].line}; remove one or give it an id of '
                    'its own'
                )
            )
        else:
            first[one.value] = first.get(one.value, one)
            usable.append(one)
    _check_overlap(usable, path, report)
    return usable


def _check_overlap(instances: list[TxtInstance], path: Path, report: Report) -> None:
    rles = [one.rle for one in instances]
    areas = [int(area) for area in mask_utils.area(rles)]
    if sum(areas) == int(mask_utils.area(mask_utils.merge(rles))):
        return
    for row, one in enumerate(instances):
        for other in instances[:row]:
            both = mask_utils.merge([one.rle, other.rle], intersect=True)
            if mask_utils.area(both):
                report(
                    DataError(
                        f'{path}:{one.line}: mask overlaps that of line {other.line}, '
                        f'id {other.value}, by {int(mask_utils.area(both))} pixels; '
                        'give each pixel to one of them'
                    )
                )
