"""Say what is wrong with an environment, or with a data set, and how to mend it.

Without DATA: which of torch, mmcv and its compiled ops, mmengine, mmdet and the rest
are there, and whether they fit together. With DATA: everything that is wrong with an
annotation file (CocoVID-style json) or with a folder in the layout of KITTI MOTS,
MOTSChallenge, or of frames with indexed masks. One line each; the exit code is 0, or
2 where something has to be mended.

Example:
    python tools/doctor.py
    python tools/doctor.py data/kitti_mots
    python tools/doctor.py data/mine/train.json --images data/mine/JPEGImages
"""

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = importlib.util.find_spec('mmvist') is not None
if not INSTALLED:
    sys.path.insert(0, str(ROOT))
SPEC = importlib.util.find_spec('mmvist')
# Not executed yet: `import mmvist` stops at the first thing that does not fit.
PACKAGE = sys.modules.setdefault('mmvist', importlib.util.module_from_spec(SPEC))

from mmvist.compat import first_line  # noqa: E402
from mmvist.doctor.environment import examine_environment  # noqa: E402
from mmvist.doctor.finding import (  # noqa: E402
    ERROR,
    OK,
    Finding,
    count_findings,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data', nargs='?', type=Path, help='json or folder')
    parser.add_argument('--images', type=Path, help='folder of the frames of a json')
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NUMBER=NAME',
        help='class list of a folder (default: that of its layout)',
    )
    parser.add_argument(
        '--labels',
        type=Path,
        help='json of {sequence: {instance number: class name}} of indexed masks',
    )
    parser.add_argument(
        '--stride',
        type=int,
        default=1,
        metavar='N',
        help='only every Nth frame is in a folder, as in YouTube-VOS with 5',
    )
    parser.add_argument(
        '--headers-only',
        action='store_true',
        help='faster: do not decode the frames to find damaged ones',
    )
    args = parser.parse_args(argv)
    if args.stride < 1:
        parser.error('--stride has to be at least 1')
    return args


def show(findings: Iterable[Finding]) -> list[Finding]:
    """Print findings as they come, then how many there are."""
    shown = []
    for finding in findings:
        print(finding, flush=True)
        shown.append(finding)
    print(count_findings(shown))
    return shown


def environment() -> Iterator[Finding]:
    """What mmvist stands on, and whether it itself can be imported."""
    broken = not INSTALLED
    if broken:
        yield Finding(ERROR, f'mmvist is not installed: run `pip install -e {ROOT}`.')
    for finding in examine_environment():
        broken |= finding.level == ERROR
        yield finding
    if not broken:
        try:
            SPEC.loader.exec_module(PACKAGE)
        except Exception as error:
            reason = f'mmvist cannot be imported ({first_line(error)})'
            yield Finding(ERROR, f'{reason}: run `pip install -e {ROOT}`.')
        else:
            yield Finding(OK, f'mmvist {PACKAGE.__version__}')


def data(args: argparse.Namespace) -> list[Finding]:
    """What is wrong with a data set."""
    # imported here: where the environment is broken they cannot be
    from rich.console import Console

    from mmvist.datasets.converters import read_json
    from mmvist.datasets.errors import DataError
    from mmvist.doctor.data import examine_data
    from mmvist.engine.convert import parse_classes, progress_bar

    try:
        return examine_data(
            args.data,
            args.images,
            parse_classes(args.classes),
            read_json(args.labels, 'list of classes') if args.labels else None,
            args.stride,
            not args.headers_only,
            progress_bar('checking', Console(stderr=True)),
        )
    except DataError as error:
        return [Finding(ERROR, str(error))]


def main(argv: Sequence[str] | None = None) -> int:
    """Show what is found; returns the exit code."""
    args = parse_args(argv)
    if args.data is None:
        found = show(environment())
    else:
        found = [one for one in environment() if one.level == ERROR] or data(args)
        show(found)
    return 2 if any(one.level == ERROR for one in found) else 0


if __name__ == '__main__':
    sys.exit(main())
