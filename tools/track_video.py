"""Track a video: every object gets a mask, a class and an identity.

IN is a video, a folder of pictures, an address (rtsp://, http://, udp://), the index
of a camera, a fifo, or - for standard input. OUT is a video (.mp4, .m4v, .mov, .mkv);
a name without a suffix is a new folder of png. --save-json writes one line of json a
frame, with OUT or without it. Ctrl-C ends a stream; what was tracked stays.

Example:
    python tools/track_video.py street.mp4 tracked.mp4 \
        --config configs/vae_vist/vae-vist_mask-rcnn_r18-half_fpn_synthetic.py \
        --checkpoint work_dirs/demo/vae-vist/iter_1000.pth
    python tools/track_video.py rtsp://camera/stream --save-json tracks.jsonl ...
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
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

from mmvist.apis import (
    FrameResult,
    FrameSource,
    ResultLines,
    SourceError,
    VISTInferencer,
    open_source,
)
from mmvist.engine.errors import UserError
from mmvist.engine.interrupt import INTERRUPTED, stop_on_interrupt
from mmvist.engine.launch import run_tool
from mmvist.visualization import draw_instances, open_writer

MAX_SCALE = 16
"""Frames of ten thousand pixels are made of the smallest ones."""


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('input', metavar='IN', help='where frames come from')
    parser.add_argument(
        'output', metavar='OUT', type=Path, nargs='?', help='video or folder'
    )
    parser.add_argument(
        '--save-json',
        metavar='FILE',
        type=Path,
        help='write identity, class, score, box and mask (COCO RLE) of every instance, '
        'one line of json a frame',
    )
    parser.add_argument('--config', required=True, help='config file')
    parser.add_argument('--checkpoint', required=True, help='its trained weights')
    parser.add_argument('--device', help='such as cpu or cuda:0 (default: the best)')
    parser.add_argument(
        '--fps',
        type=float,
        help='of OUT, at which all frames follow (default: that of IN, 10 where it has '
        'none, each frame at its time)',
    )
    parser.add_argument(
        '--scale',
        type=int,
        help='enlarge the frames (default: small ones to about 768 pixels)',
    )
    args = parser.parse_args(argv)
    if args.output is None and args.save_json is None:
        parser.error('nothing to write: give OUT, --save-json or both')
    if args.fps is not None and args.fps <= 0:
        parser.error('--fps has to be more than 0')
    if args.scale is not None and not 1 <= args.scale <= MAX_SCALE:
        parser.error(f'--scale has to be 1 to {MAX_SCALE}')
    return args


def check_outputs(args: argparse.Namespace) -> None:
    """Find out before the work whether its results have places.

    Raises:
        UserError: One has none.
    """
    inputs = (args.input, args.config, args.checkpoint)
    outputs = [path for path in (args.output, args.save_json) if path]
    for output in outputs:
        for one in inputs:
            # by inode: a link to an input is the input
            if output.exists() and os.path.exists(one) and output.samefile(one):
                raise UserError(f'{output} is an input, {one}: name another output')
        if not output.parent.is_dir():
            raise UserError(f'folder {output.parent} of the output does not exist')
        if (output.suffix or output is args.save_json) and output.is_dir():
            raise UserError(f'{output} is a folder, a file has to go there')
    if len({output.resolve() for output in outputs}) < len(outputs):
        raise UserError(
            f'OUT and --save-json are both {args.save_json}: name two files'
        )


class Outputs:
    """What is written of each result; a context manager."""

    def __init__(self, args: argparse.Namespace, source: FrameSource) -> None:
        self.frames, self.ids, self.scale = 0, set(), args.scale
        self.in_time = args.fps is None
        self.names = ' and '.join(
            str(path) for path in (args.output, args.save_json) if path
        )
        self.video = self.lines = None
        if args.output:
            self.video = open_writer(args.output, args.fps or source.fps or 10)
        if args.save_json:
            self.lines = ResultLines(args.save_json)
        self._open = ExitStack()

    def __enter__(self) -> 'Outputs':
        for writer in filter(None, (self.video, self.lines)):
            self._open.enter_context(writer)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def write(self, result: FrameResult) -> None:
        """Write one frame."""
        if self.lines is not None:
            self.lines.write(result)
        if self.video is not None:
            seen = result.image, result.instances, result.class_names
            seconds = result.seconds if self.in_time else None
            self.video.write(draw_instances(*seen, self.scale), seconds)
        self.ids.update(result.instances.instances_id.tolist())
        self.frames += 1


def progress_bar(console: Console, endless: bool) -> Progress:
    """A bar on a terminal, nothing elsewhere."""
    left = [] if endless else [TextColumn('left'), TimeRemainingColumn()]
    return Progress(
        TextColumn('tracking'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        *left,
        console=console,
        disable=not console.is_terminal,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Track as the command line says."""
    args = parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    check_outputs(args)
    source = open_source(args.input)
    inferencer = VISTInferencer(args.config, args.checkpoint, args.device)
    outputs, start = Outputs(args, source), time.monotonic()
    try:
        with (
            stop_on_interrupt(source.stop) as interrupts,
            outputs,
            progress_bar(console, source.live) as bar,
        ):
            task = bar.add_task('tracking', total=source.length)
            for result in inferencer(source):
                outputs.write(result)
                bar.advance(task)
            bar.update(task, total=outputs.frames)
    except SourceError as error:
        if not outputs.frames:
            raise
        raise SourceError(
            f'{error}; what was tracked until then is in {outputs.names}'
        ) from None
    if not outputs.frames and not interrupts.count:
        raise SourceError(f'{args.input} holds no frames')
    each = (time.monotonic() - start) / max(outputs.frames, 1)
    console.print(
        f'{outputs.names}: {outputs.frames} frames, {len(outputs.ids)} identities, '
        f'{each:.2f} s a frame on {inferencer.device}'
        + (', stopped' if interrupts.count else ''),
        markup=False,
    )
    if interrupts.count and not source.live:
        sys.exit(INTERRUPTED)  # the rest of the video is missing


if __name__ == '__main__':
    sys.exit(run_tool(main))
