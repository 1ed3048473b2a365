"""MOTS txt: one instance of one frame a line.

``frame id class height width rle``, separated by spaces, where id is class * 1000 +
instance, 10000 a region that is not judged, and rle COCO's compressed run-length
code. KITTI MOTS counts frames from 0, MOTSChallenge from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import IGNORE_CLASS
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError

FIELDS = 'frame id class height width rle'


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
    path: str | Path, classes: dict[int, str], ids_by_class: bool = True
) -> dict[int, list[TxtInstance]]:
    """Read a file.

    Args:
        path: The file.
        classes: Class number to name.
        ids_by_class: Ids are class * 1000 + instance, as in a truth; those of
            predictions need not be.

    Returns:
        Instances by frame number, as the file counts, in the order of the lines.

    Raises:
        DataError: At the first line that cannot be read, has an id outside its class
            or a class that is not listed, comes twice, or whose mask overlaps
            another one of its frame.
    """
    path = Path(path)
    frames: dict[int, list[TxtInstance]] = {}
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror})') from error
    except ValueError as error:
        raise DataError(f'{path}: is no text file; fetch it again') from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f'{path}:{number}'
            frame, instance = _parse(line, where, number, classes, ids_by_class)
            frames.setdefault(frame, []).append(instance)
    for frame, instances in frames.items():
        _check_frame(instances, path, frame)
    return frames


def _parse(
    line: str, where: str, number: int, classes: dict[int, str], ids_by_class: bool
) -> tuple[int, TxtInstance]:
    fields = line.split()
    if len(fields) != 6:
        raise DataError(f'{where}: has {len(fields)} fields, not the six of {FIELDS}')
    if not all(field.isdecimal() for field in fields[:5]):
        raise DataError(f'{where}: {" ".join(fields[:5])} are not five whole numbers')
    frame, value, category, height, width = map(int, fields[:5])
    if category not in classes and category != IGNORE_CLASS:
        raise DataError(
            f'{where}: class {category} is none of {classes}; name it with --classes'
        )
    if ids_by_class and value // 1000 != category:
        raise DataError(
            f'{where}: id {value} is outside its class {category} (ids of it are '
            f'{category}000 to {category}999)'
        )
    size = (height, width)
    rle = read_segmentation(dict(size=size, counts=fields[5]), size, where)
    return frame, TxtInstance(value, category, rle, number)


def _check_frame(instances: list[TxtInstance], path: Path, frame: int) -> None:
    """Sizes agree, no instance comes twice, no pixel belongs to two."""
    first: dict[int, TxtInstance] = {}
    for one in instances:
        if one.rle['size'] != instances[0].rle['size']:
            raise DataError(
                f'{path}:{one.line}: size {one.rle["size"]} is not that of line '
                f'{instances[0].line}, {instances[0].rle["size"]}, of the same frame'
            )
        if one.value in first and one.category_id != IGNORE_CLASS:
            raise DataError(
                f'{path}:{one.line}: id {one.value} is in frame {frame} already, at '
                f'line {first[one.value].line}'
            )
        first.setdefault(one.value, one)
    rles = [one.rle for one in instances]
    areas = [int(area) for area in mask_utils.area(rles)]
    if sum(areas) == int(mask_utils.area(mask_utils.merge(rles))):
        return
    for row, one in enumerate(instances):
        for other in instances[:row]:
            both = mask_utils.merge([one.rle, other.rle], intersect=True)
            if mask_utils.area(both):
                raise DataError(
                    f'{path}:{one.line}: mask overlaps that of line {other.line}, '
                    f'id {other.value}, by {int(mask_utils.area(both))} pixels'
                )
