"""What stands in the two tables: configs, and what may be tuned in each.

No row is handicapped: all have the backbone, data and augmentation of VAE-VIST's
config, are trained on the same number of frames whose objects supervise the
detector, and get a search of the same size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmvist.engine.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
OURS = 'vae-vist'
"""The row that all others are compared to."""
DETECTOR = 'mask-rcnn_r18-half_fpn'


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        name: On the command line and of the folder.
        title: In the table.
        config: Path under ``configs``, ``{data}`` standing for the data set.
        changes: Settings of the config that make the row.
        thresholds: Setting of the config to the values that the search may give it,
            the default first.
    """

    name: str
    title: str
    config: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def path(self, data: Data) -> Path:
        """The row's config for a data set.

        Raises:
            UserError: There is none.
        """
        path = CONFIGS / self.config.format(data=data.suffix)
        if not path.exists():
            raise UserError(f'{path} does not exist: are the configs installed?')
        return path


@dataclass(frozen=True)
class Data:
    """A data set with ``annotations/train.json`` and ``annotations/val.json``.

    Attributes:
        name: Of the folder of results.
        root: Where it lies.
        suffix: How the configs name it.
        iterations: Of training, two supervised frames in each.
        rate_factors: Learning rates that a search tries, times that of the config.
        refit: Whether a row that was searched is trained anew on all training videos.
            False: on those that the search has trained on; with the first seed it has.
    """

    name: str
    root: Path
    suffix: str
    iterations: int
    rate_factors: tuple[float, ...] = (1.0, 0.5, 2.0)
    refit: bool = True


def find_data(name: str) -> Data:
    """``synthetic``, ``composite`` or a folder in KITTI MOTS layout.

    Raises:
        UserError: The data are not there.
    """
    known = {
        'synthetic': Data('synthetic', Path('data/synthetic'), 'synthetic', 1000),
        # one training for each row: it takes an hour
        'composite': Data(
            'composite',
            Path('data/composite-mots'),
            'compositemots',
            4000,
            rate_factors=(1.0,),
            refit=False,
        ),
    }
    data = known.get(name) or Data(Path(name).name, Path(name), 'synthetic', 1000)
    for split in ('train', 'val'):
        path = data.root / 'annotations' / f'{split}.json'
        if not path.exists():
            raise UserError(f'{path} does not exist; {_HOW.get(name, _HOW_OTHER)}')
    return data


_HOW = {
    'synthetic': 'make the clips with tools/dataset_converters/make_synthetic.py '
    'and convert them with kitti_mots2coco.py, or run make demo',
    'composite': 'see docs/results.md for its conversion',
}
_HOW_OTHER = (
    'convert the data with tools/dataset_converters/kitti_mots2coco.py, or '
    'choose synthetic or composite'
)

_VAE_VIST = Row(
    OURS,
    'VAE-VIST',
    f'vae_vist/vae-vist_{DETECTOR}_{{data}}.py',
    thresholds={
        'model.tracker.birth_score_thr': (0.5, 0.3, 0.7),
        'model.tracker.augment_birth_score_thr': (0.5, 0.3, 0.7, 0.9),
        'model.tracker.keep_score_thr': (0.4, 0.2, 0.6, 0.8),
        'model.tracker.match_iou_thr': (0.5, 0.3, 0.2),
        'model.tracker.num_frames_retain': (10, 5, 20),
        'model.tracker.mask_score_thr': (0.0, 0.7, 0.75),
    },
)


def _ablation(name: str, title: str, **switches: bool) -> Row:
    return replace(
        _VAE_VIST,
        name=name,
        title=title,
        changes={f'model.{switch}': value for switch, value in switches.items()},
    )


# Of MaskTrack R-CNN: how much the score of a detection and the IoU count in matching.
_MATCH_WEIGHTS = {
    'model.tracker.match_weights.det_score': (1.0, 0.5, 2.0),
    'model.tracker.match_weights.iou': (2.0, 1.0, 4.0),
}
_MASK_RCNN_IOU = Row(
    'mask-rcnn-iou',
    'Mask R-CNN + IoU tracker',
    'baselines/mask-rcnn-iou-tracker_r18-half_fpn_{data}.py',
    thresholds={
        'model.tracker.sigma_l': (0.3, 0.5, 0.7),
        'model.tracker.sigma_h': (0.8, 0.5, 0.95),
        'model.tracker.sigma_iou': (0.5, 0.3, 0.1),
        'model.tracker.t_min': (2, 1, 4),
    },
)
_MASKTRACK_RCNN = Row(
    'masktrack-rcnn',
    'MaskTrack R-CNN, mended',
    f'baselines/masktrack-rcnn_{DETECTOR}_{{data}}_mended.py',
    thresholds={
        'model.show_score_thr': (0.5, 0.3, 0.7, 0.9),
        **_MATCH_WEIGHTS,
    },
)

TABLES: dict[int, tuple[Row, ...]] = {
    1: (
        _VAE_VIST,
        _MASK_RCNN_IOU,
        Row(
            'masktrack-rcnn-mmdet',
            "MaskTrack R-CNN, MMDetection's",
            f'baselines/masktrack-rcnn_{DETECTOR}_{{data}}.py',
            thresholds={
                'model.detector.test_cfg.rcnn.score_thr': (0.5, 0.3, 0.7, 0.9),
                **_MATCH_WEIGHTS,
            },
        ),
        _MASKTRACK_RCNN,
        Row(
            'track-rcnn',
            'TrackR-CNN',
            'baselines/track-rcnn_r18-half_fpn_{data}.py',
            # two supervised frames of eight: as many of both as in VAE-VIST, where
            # whole clips would leave it a quarter of the steps
            changes={'model.supervised_frames': 2},
            thresholds={
                'model.tracker.score_thr': (0.5, 0.3, 0.7, 0.9),
                'model.tracker.max_distance': (8.0, 4.0, 2.0, 1.0),
                'model.tracker.num_frames_retain': (5, 2, 9),
            },
        ),
        replace(
            _MASKTRACK_RCNN,
            name='masktrack-rcnn-wide',
            title='MaskTrack R-CNN, mended, as costly as VAE-VIST',
            config='baselines/masktrack-rcnn_mask-rcnn_r18-wide_fpn_{data}_mended.py',
        ),
    ),
    2: (
        _VAE_VIST,
        _ablation('no-skip', '(a) no skips', with_skip=False),
        _ablation('no-corr', '(b) no correlation', with_corr=False),
        _ablation('no-variational', '(c) not variational', variational=False),
        _ablation('proposal', '(d) proposal', with_aux=False, with_augment=False),
        _ablation('aux-proposal', '(e) auxiliary, proposal', with_augment=False),
        _ablation('proposal-augment', '(f) proposal, augment', with_aux=False),
    ),
}


def choose_rows(table: int, names: Sequence[str] | None) -> list[Row]:
    """The rows of a table, or those named; VAE-VIST is always among them.

    Raises:
        UserError: A name is not in the table.
    """
    rows = TABLES[table]
    known = [row.name for row in rows]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UserError(
            f'table {table} has no row {unknown[0]}; it has {", ".join(known)}'
        )
    return [row for row in rows if not names or row.name in (*names, OURS)]
