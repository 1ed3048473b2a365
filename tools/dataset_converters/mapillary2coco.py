"""Make COCO annotation files of Mapillary Vistas, for the pretraining of a detector.

Example:
    python tools/dataset_converters/mapillary2coco.py data/mapillary \\
        data/mapillary/annotations

Other classes by the names of their labels in the config:
    --classes car=object--vehicle--car \\
        rider=human--rider--bicyclist,human--rider--motorcyclist
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets import DataError
from mmvist.datasets.converters import (
    VISTAS_CLASSES,
    VISTAS_SPLITS,
    check_writable,
    convert_mapillary,
)
from mmvist.engine.convert import (
    add_write_arguments,
    exit_code,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='the data set')
    parser.add_argument('output', type=Path, help='folder of the json files')
    parser.add_argument(
        '--split',
        nargs='+',
        default=list(VISTAS_SPLITS),
        help='folders to convert, one json each (default: %(default)s)',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME=LABEL[,LABEL]',
        help='classes and the labels they are made of (default: car and person)',
    )
    parser.add_argument(
        '--version',
        choices=sorted(VISTAS_CLASSES),
        help='of the annotations (default: the later one that is there)',
    )
    add_write_arguments(parser)
    return parser.parse_args(argv)


def parse_classes(pairs: list[str] | None) -> dict[str, list[str]] | None:
    """Read ``car=object--vehicle--car,object--vehicle--truck``."""
    if pairs is None:
        return None
    classes: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, labels = pair.partition('=')
        if not name or not all(labels.split(',')) or name in classes:
            raise DataError(f'--classes {pair}: write it as NAME=LABEL[,LABEL], once')
        classes[name] = labels.split(',')
    return classes


def convert(args: argparse.Namespace) -> None:
    classes = parse_classes(args.classes)
    for split in args.split:
        check_writable(args.output / f'{split}.json', args.force)
    contents = {
        split: convert_mapillary(
            args.input,
            split,
            classes,
            version=args.version,
            check_pixels=not args.headers_only,
            progress=progress_bar(split),
        )
        for split in args.split
    }
    # all of them or none
    for split, content in contents.items():
        write_and_report(content, args.output / f'{split}.json', args.force)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
