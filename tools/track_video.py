"""Track a video: every object gets a mask, a class and an identity.

IN is a video or a folder of pictures. OUT is a video (.mp4, .m4v, .mov, .mkv); a
name without a suffix is a folder of png.

Example:
    python tools/track_video.py street.mp4 tracked.mp4 \
        --config configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py \
        --checkpoint work_dirs/demo/vae-vist/iter_2000.pth
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmvist.apis import SourceError, VISTInferencer, open_source
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool
from mmvist.visualization import draw_instances, open_writer


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', metavar='IN', type=Path, help='video or folder')
    parser.add_argument('output', metavar='OUT', type=Path, help='video or folder')
    parser.add_argument('--config', required=True, help='config file')
    parser.add_argument('--checkpoint', required=True, help='its trained weights')
    parser.add_argument('--device', help='such as cpu or cuda:0 (default: the best)')
    parser.add_argument(
        '--fps', type=float, help='of OUT (default: that of IN, 10 for a folder)'
    )
    parser.add_argument(
        '--scale',
        type=int,
        help='enlarge the frames (default: small ones to about 768 pixels)',
    )
    args = parser.parse_args(argv)
    if args.fps is not None and args.fps <= 0:
        parser.error('--fps has to be more than 0')
    if args.scale is not None and args.scale < 1:
        parser.error('--scale has to be at least 1')
    return args


def check_output(source: Path, output: Path) -> None:
    """Find out before the work whether its result has a place.

    Raises:
        UserError: It has none.
    """
    if output.resolve() == source.resolve():
        raise UserError(f'{output} is the input itself')
    if not output.parent.is_dir():
        raise UserError(f'folder {output.parent} of the output does not exist')
    if output.suffix and output.is_dir():
        raise UserError(f'{output} is a folder, a file has to go there')


def progress_bar(console: Console) -> Progress:
    """A bar on a terminal, nothing elsewhere."""
    return Progress(
        TextColumn('tracking'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Track as the command line says."""
    args = parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    check_output(args.input, args.output)
    source = open_source(args.input)
    writer = open_writer(args.output, args.fps or source.fps or 10)
    inferencer = VISTInferencer(args.config, args.checkpoint, args.device)
    start, ids = time.monotonic(), set()
    with writer, progress_bar(console) as bar:
        task = bar.add_task('tracking', total=source.length)
        for result in inferencer(source):
            instances = result.instances
            ids.update(instances.instances_id.tolist())
            writer.write(
                draw_instances(result.image, instances, result.class_names, args.scale)
            )
            bar.advance(task)
        bar.update(task, total=writer.frames)
    if not writer.frames:
        raise SourceError(f'{args.input} holds no frames')
    each = (time.monotonic() - start) / writer.frames
    console.print(
        f'{args.output}: {writer.frames} frames, {len(ids)} identities, '
        f'{each:.2f} s a frame on {inferencer.device}',
        markup=False,
    )


if __name__ == '__main__':
    sys.exit(run_tool(main))
