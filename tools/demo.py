"""The demo: make clips, train VAE-VIST and its floor, test both, write the video.

``make demo`` runs it. Each step that is done already is passed over, and an
interrupted training goes on from its last checkpoint.

Example:
    python tools/demo.py --work-dir work_dirs/demo --data-dir data/synthetic
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from rich import box
from rich.console import Console
from rich.table import Table

from mmvist.apis import VISTInferencer, compare_video, predict_next_frames
from mmvist.engine.candidate import Candidate
from mmvist.engine.launch import read_config, run_tool
from mmvist.engine.steps import Steps
from mmvist.evaluation.truth import Truth, TruthVideo, load_truth
from mmvist.visualization import VideoWriter, next_frame_picture

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
FRAMES = 'training/image_02'
FPS = 8


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--data-dir', type=Path, default=Path('data/synthetic'))
    parser.add_argument('--seed', type=int, default=0, help='of training')
    parser.add_argument('--max-iters', type=int, help='of VAE-VIST, for a short look')
    parser.add_argument('--train-clips', type=int, default=96)
    parser.add_argument('--val-clips', type=int, default=16)
    parser.add_argument('--frames', type=int, default=24, help='of a clip')
    parser.add_argument('--shown-clips', type=int, default=6, help='in the videos')
    return parser.parse_args(argv)


def make_data(steps: Steps, args: argparse.Namespace) -> None:
    """Generate the clips and convert them, each as a whole or not at all."""
    data = args.data_dir
    annotated = [data / 'annotations' / f'{name}.json' for name in ('train', 'val')]
    done = all(path.exists() for path in annotated)
    total = args.train_clips + args.val_clips
    what = f'{total} synthetic clips in KITTI MOTS layout, about half a minute'
    if not steps.announce(what, done):
        return
    if not data.exists():
        part = data.with_name(f'{data.name}.part')
        shutil.rmtree(part, ignore_errors=True)
        steps.run(
            'dataset_converters/make_synthetic.py',
            part,
            *('--train-clips', args.train_clips),
            *('--val-clips', args.val_clips),
            *('--frames', args.frames),
        )
        part.rename(data)
    steps.run(
        'dataset_converters/kitti_mots2coco.py', data, data / 'annotations', '--force'
    )


def train(steps: Steps, one: Candidate, note: str) -> None:
    """Train to the end, from the last checkpoint if there is one."""
    iters = Config.fromfile(one.config).train_cfg.max_iters
    what = f'training {one.title}, {iters} iterations, {note}'
    if steps.announce(what, one.checkpoint.exists()):
        one.train(steps)


def test(steps: Steps, one: Candidate) -> dict[str, float]:
    """Test with ``--eval track_segm``; returns the numbers of ``metrics.json``."""
    if steps.announce(f'testing {one.title}, about a minute', one.tested()):
        one.test(steps, '--eval', 'track_segm')
    return one.metrics()


def write_video(
    one: Candidate, path: Path, videos: Sequence[TruthVideo], truth: Truth, data: Path
) -> None:
    """Test clips one after the other, as predicted and as they are."""
    inferencer = VISTInferencer(str(one.config), one.checkpoint)
    with VideoWriter(path, FPS) as writer:
        for video in videos:
            results = inferencer(data / FRAMES / video.name)
            for picture in compare_video(results, video, truth, one.title):
                writer.write(picture)


def write_next_frames(
    one: Candidate, path: Path, videos: Sequence[TruthVideo], data: Path
) -> None:
    """One row a clip: F_t, F_{t+1} and what D_aux made of it at t."""
    inferencer = VISTInferencer(str(one.config), one.checkpoint)

    def row(video: TruthVideo) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        frames: Iterator = predict_next_frames(inferencer, data / FRAMES / video.name)
        for _ in range(len(video.frames) // 2):
            image, predicted = next(frames)
        return image, next(frames)[0], predicted

    cv2.imwrite(str(path), next_frame_picture([row(video) for video in videos]))


def summary(models: Sequence[Candidate], metrics: Sequence[dict]) -> Table:
    """The numbers side by side."""
    table = Table('', box=box.SIMPLE)
    for name in ('sMOTSA', 'id switches', 'of truth boxes', 'AP', 'training'):
        table.add_column(name, justify='right')
    for one, found in zip(models, metrics, strict=True):
        switches, boxes = found['mots/IDS'], found['mots/GT']
        minutes, seconds = divmod(round(one.training_seconds()), 60)
        table.add_row(
            one.title,
            f'{found["mots/sMOTSA"]:.3f}',
            f'{switches:.0f}',
            f'{100 * switches / max(boxes, 1):.2f} %',
            f'{found["youtube_vis/segm_mAP"]:.3f}',
            f'{minutes}:{seconds:02} min',
        )
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Run the steps."""
    args = parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    steps, work = Steps(console, 6, TOOLS), args.work_dir
    ours = Candidate(
        'VAE-VIST',
        CONFIGS / 'vae_vist' / 'vae-vist_mask-rcnn_r18-half_fpn_synthetic.py',
        work / 'vae-vist',
    )
    floor = Candidate(
        'detector + IoU',
        CONFIGS / 'baselines' / 'mask-rcnn-iou_r18-half_fpn_synthetic.py',
        work / 'floor',
    )
    full = {
        one.title: read_config(one.base).train_cfg.max_iters for one in (ours, floor)
    }
    share = (args.max_iters or full[ours.title]) / full[ours.title]
    for one in (ours, floor):
        iters = max(1, round(full[one.title] * share))
        one.keep(one.read(args.data_dir, args.seed, iters))

    make_data(steps, args)
    train(steps, ours, 'about five minutes on two cores')
    train(steps, floor, 'its detector alone for about the same time')
    metrics = [test(steps, ours), test(steps, floor)]

    steps.announce('videos and pictures of test clips')
    truth = load_truth(str(args.data_dir / 'annotations' / 'val.json'))
    shown = truth.videos[: args.shown_clips]
    video, floor_video = work / 'vae-vist.mp4', work / 'floor.mp4'
    picture = work / 'next_frame.png'
    write_video(ours, video, shown, truth, args.data_dir)
    write_video(floor, floor_video, shown, truth, args.data_dir)
    write_next_frames(ours, picture, shown[:4], args.data_dir)

    console.print(f'\n[bold]On {len(truth.videos)} clips that no model has seen:[/]')
    console.print(summary((ours, floor), metrics))
    for what, path in (
        ('prediction beside truth', video),
        ('the same of the floor', floor_video),
        ('the next frame, predicted', picture),
        ('all numbers', ours.folder / 'metrics.json'),
    ):
        console.print(f'{what:>26}: {path}', markup=False)
    console.print(
        '\nOn a video of your own:\n'
        f'  {os.path.relpath(sys.executable)} '
        f'{os.path.relpath(TOOLS / "track_video.py")} IN.mp4 OUT.mp4 '
        f'--config {ours.config} --checkpoint {ours.checkpoint}',
        markup=False,
    )


if __name__ == '__main__':
    stopped = 'stopped; the same command goes on from the last checkpoint'
    sys.exit(run_tool(main, stopped=stopped))
