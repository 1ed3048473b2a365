"""Score a prediction file without a model.

Predictions are a folder of MOTS files (of each video and with its name a txt file or
a folder of pngs) or a YouTube-VIS result json, as ``tools/test.py --format-only`` and
other projects write them; the truth is a CocoVID-style json, made by
tools/dataset_converters.

Example:
    python tools/evaluate.py work_dirs/demo/results.mots \
        data/synthetic/annotations/val.json --metrics mots segm
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import METRICS

from mmvist.datasets import DataError
from mmvist.datasets.converters.cocovid import check_class_names
from mmvist.engine.errors import UserError
from mmvist.engine.launch import run_tool, write_metrics
from mmvist.evaluation import EVALUATIONS, build_evaluator
from mmvist.evaluation.predictions import read_predictions
from mmvist.evaluation.truth import load_truth


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'predictions', type=Path, help='folder of txt or png files, or json'
    )
    parser.add_argument('truth', type=Path, help='annotation file')
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=['track_segm'],
        metavar='NAME',
        help=f'out of {", ".join(EVALUATIONS)} (default: track_segm)',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        help='classes to judge (default: all of the annotation file)',
    )
    parser.add_argument('--work-dir', help='folder that gets metrics.json')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if not args.truth.is_file():
        raise UserError(f'annotation file {args.truth} does not exist')
    if not args.predictions.exists():
        raise UserError(f'predictions {args.predictions} do not exist')
    try:
        configs = build_evaluator(args.metrics, ann_file=str(args.truth))
    except ValueError as error:
        raise UserError(f'--metrics: {error}') from None
    truth = load_truth(str(args.truth))
    if not any(frame.rles for frame in truth.frames.values()):
        raise UserError(
            f'{args.truth} has no instance to judge by; where the truth is with the '
            "benchmark's server, submit the predictions there"
        )
    classes = args.classes or list(truth.categories)
    check_class_names(classes)
    unknown = [name for name in classes if name not in truth.categories]
    if unknown:
        raise UserError(
            f'{args.truth} has no class {unknown[0]}; it has '
            f'{", ".join(truth.categories)}'
        )
    samples = list(read_predictions(args.predictions, truth))
    place_of = {list(truth.categories).index(name): i for i, name in enumerate(classes)}
    for sample in samples:
        found = sample.pred_track_instances
        judged = [i for i, one in enumerate(found.labels.tolist()) if one in place_of]
        found = found[torch.tensor(judged, dtype=torch.long)]  # [] would be floats
        for i, label in enumerate(found.labels.tolist()):
            found.labels[i] = place_of[label]
        sample.pred_track_instances = found
    numbers = {}
    for config in configs:
        metric = METRICS.build(config)
        metric.dataset_meta = dict(classes=classes)
        metric.process_video(samples)
        numbers.update(metric.evaluate())
    if args.work_dir:
        print(f'metrics are in {write_metrics(numbers, args.work_dir)}')


if __name__ == '__main__':
    sys.exit(run_tool(main, DataError))
