"""Make a CocoVID-style annotation file of a YouTube-VIS 2019, 2021 or OVIS json.

Example:
    python tools/dataset_converters/youtubevis2coco.py \
        data/youtube_vis_2019/train.json data/youtube_vis_2019/annotations/train.json

With --split, --held-out-count or --held-out the videos are cut in two: of
``annotations/paper.json`` become ``paper_train.json``, ``paper_val.json`` with the
videos that are held out, and ``paper_val.txt`` with their names.
"""

import argparse
import sys
from pathlib import Path

from mmvist.datasets.converters import (
    check_frames,
    check_videos,
    check_writable,
    convert_youtubevis,
    held_out_videos,
    read_json,
    select_videos,
    video_name,
    write_split_file,
)
from mmvist.engine.convert import (
    exit_code,
    progress_bar,
    write_and_report,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', type=Path, help='json of YouTube-VIS or OVIS')
    parser.add_argument('output', type=Path, help='json to make')
    parser.add_argument(
        '--frames',
        type=Path,
        metavar='DIR',
        help='folder of the videos (JPEGImages): check that every frame is there and '
        'has the size that the json says',
    )
    cut = parser.add_mutually_exclusive_group()
    cut.add_argument(
        '--split',
        choices=['paper'],
        help='hold out 200 of the 2238 training videos of YouTube-VIS 2019: those '
        'whose names have the smallest SHA-256',
    )
    cut.add_argument(
        '--held-out-count',
        type=int,
        metavar='N',
        help='hold out N videos by the same rule',
    )
    cut.add_argument(
        '--held-out',
        type=Path,
        metavar='LIST',
        help='hold out the videos that a file names, one a line',
    )
    parser.add_argument(
        '--drop-mismatched',
        action='store_true',
        help='leave out tracks that have more or fewer masks than frames',
    )
    parser.add_argument('--force', action='store_true', help='overwrite')
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> None:
    cut = args.split or args.held_out or args.held_out_count is not None
    stem = args.output.with_name(args.output.name.removesuffix('.json'))
    train, val, names_file = (
        stem.with_name(stem.name + ending)
        for ending in ('_train.json', '_val.json', '_val.txt')
    )
    for path in (train, val, names_file) if cut else (args.output,):
        check_writable(path, args.force, args.input, args.held_out)
    name = args.input.name
    source = read_json(args.input, 'annotation file of YouTube-VIS')
    check_videos(source, name)
    if args.frames:
        check_frames(source, name, args.frames, progress_bar('frames'))
    parts = {args.output: source}
    if cut:
        names = [video_name(video) for video in source['videos']]
        held_out = set(held_out_videos(names, name, args.held_out_count, args.held_out))
        parts = {
            train: select_videos(source, set(names) - held_out),
            val: select_videos(source, held_out),
        }
    contents = {
        path: convert_youtubevis(
            part, name, progress_bar(path.stem), args.drop_mismatched, print
        )
        for path, part in parts.items()
    }
    for path, content in contents.items():
        write_and_report(content, path, args.force)
    if cut:
        write_split_file(names_file, sorted(held_out))
        print(f'{names_file}: the {len(held_out)} videos that are held out')


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return exit_code(lambda: convert(args))


if __name__ == '__main__':
    sys.exit(main())
