"""What the hook shows, and that training does not feel it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS
from process_kit import run_group
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_vist import DEMO, lively_model, tiny_config
from toy_task import toy_config

from mmvist.apis.next_frame import to_picture
from mmvist.datasets.converters import convert_kitti_mots, write_json
from mmvist.engine import VISTRunner
from mmvist.evaluation.truth import load_truth
from mmvist.models import VAEVIST
from mmvist.monitor import (
    ActiveUnits,
    ValidationClips,
    VISTVisualizationHook,
    quantiles,
    vist_visualization_hook,
)
from mmvist.structures.hosts import unpack_frames
from mmvist.testing import toy_frames, write_toy_mots

HOOK = dict(type='mmvist.VISTVisualizationHook', frames=2, interval=2)


@pytest.fixture(scope='module', autouse=True)
def plain_configs() -> Iterator[None]:
    """A runner formats its config six times, which takes longer than these runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, 'pretty_text', property(lambda config: str(config)))
        yield


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('toy')
    write_toy_mots(folder)
    return folder


def config(root: Path, work_dir: Path, *hooks: dict, **model: object) -> Config:
    """The demo, tiny, of four iterations with a validation after two and four."""
    cfg = Config.fromfile(DEMO)
    open_minded = dict(
        match_score_thr=0.0,
        birth_score_thr=0.0,
        augment_birth_score_thr=0.0,
        keep_score_thr=0.0,
    )
    cfg.model = tiny_config(tracker=open_minded, **model)
    cfg.model.detector.test_cfg.rcnn.max_per_img = 6
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.data_root = str(root)
        loader.num_workers, loader.persistent_workers = 0, False
        for step in loader.dataset.pipeline:
            for transform in step.get('transforms', ()):
                if transform.type == 'mmdet.Resize':
                    transform.scale = (96, 64)
    cfg.val_evaluator = [
        dict(type='mmvist.SegmMetric', ann_file=str(root / 'annotations/val.json'))
    ]
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
    cfg.param_scheduler = cfg.param_scheduler[:1]
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1)
    cfg.default_hooks.logger.interval = 1
    # without StepSeedHook, which would cover up a draw: only the start is seeded
    cfg.custom_hooks = list(hooks)
    cfg.vis_backends = [
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ]
    cfg.visualizer.vis_backends = cfg.vis_backends
    cfg.work_dir = str(work_dir)
    # runs of one name would share one logger and one visualizer
    cfg.experiment_name = cfg.visualizer.name = work_dir.name
    return cfg


def trained(cfg: Config) -> VISTRunner:
    runner = VISTRunner.from_cfg(cfg)
    runner.train()
    return runner


def scalars(runner: VISTRunner) -> list[dict]:
    path = Path(runner.visualizer._vis_backends['LocalVisBackend']._scalar_save_file)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope='module')
def watched(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[VISTRunner, torch.Tensor]:
    """A run with the hook, and the generator's state at its end."""
    runner = trained(config(root, tmp_path_factory.mktemp('watched'), HOOK))
    return runner, torch.get_rng_state()


def test_training_is_the_same_with_and_without(
    root: Path, tmp_path: Path, watched: tuple[VISTRunner, torch.Tensor]
) -> None:
    runner, state = watched
    alone = trained(config(root, tmp_path / 'alone'))
    assert torch.equal(torch.get_rng_state(), state)
    other = alone.model.state_dict()
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, other[name]), name
    losses = [
        [[line[key] for key in ('loss', 'loss_kl', 'loss_aux')] for line in lines]
        for lines in (
            [line for line in scalars(one) if 'loss' in line] for one in (runner, alone)
        )
    ]
    assert losses[0] == losses[1] and len(losses[0]) == 4
    # validation, too
    name = 'coco/segm_mAP'
    numbers = [
        [line[name] for line in scalars(one) if name in line] for one in (runner, alone)
    ]
    assert numbers[0] == numbers[1] and len(numbers[0]) == 2
    assert not alone.model.encoder._forward_hooks
    assert not runner.model.encoder._forward_hooks, 'it has left the encoder'


@pytest.mark.parametrize('content', [None, b'no picture'])
def test_a_shown_frame_that_cannot_be_read_is_black(
    root: Path, tmp_path: Path, content: bytes | None
) -> None:
    shutil.copytree(root, tmp_path / 'toy')
    path = tmp_path / 'toy/training/image_02/0000/000002.png'
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    # runs of one name would share one visualizer
    cfg = config(tmp_path / 'toy', tmp_path / f'work-{content is None}', HOOK)
    # frame 2 is not among those that train
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1, val_interval=1)
    cfg.train_dataloader.dataset.data_root = str(root)
    runner = trained(cfg)
    folder = Path(runner.work_dir) / runner.timestamp / 'vis_data/vis_image'
    clip = cv2.imread(str(folder / 'val_0000_1.png'))
    bar = len(clip) // 2 - 512
    assert np.median(clip[bar : bar + 512, :768]) == 0


def test_pictures_of_each_validation(watched: tuple[VISTRunner, torch.Tensor]) -> None:
    folder = Path(watched[0].work_dir) / watched[0].timestamp / 'vis_data/vis_image'
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *('next_frame_0000_2.png', 'next_frame_0000_4.png'),
        *('val_0000_2.png', 'val_0000_4.png'),
    ]
    clip = cv2.imread(str(folder / 'val_0000_4.png'))
    # two frames of 96 x 64, prediction and truth, eight times as large
    assert clip.shape[1] == 2 * 768 + 6
    bar = len(clip) // 2 - 512
    assert 10 < bar < 60
    # the truth of frames 2 and 3 at the right: a car (BGR 30, 40, 220) drives on
    for row, t in enumerate((2, 3)):
        frame = clip[row * (512 + bar) + bar :][:512, 774:]
        x = 8 * (8 + 4 * t + 6)
        assert abs(int(frame[8 * 30, x, 2]) - int(frame[8 * 30, 8 * 60, 2])) > 20
    rows = cv2.imread(str(folder / 'next_frame_0000_4.png'))
    assert rows.shape[1] == 3 * 384 + 2 * 6
    # t and t + 1 are frames 2, 3 and 3, 4, four times as large
    top = len(rows) - 2 * 256 - 6
    for row, t in enumerate((2, 3)):
        for column, time in enumerate((t, t + 1)):
            panel = rows[top + row * 262 :, column * 390 :][:256, :384]
            frame = np.ascontiguousarray(toy_frames()[time][..., ::-1])
            real = cv2.resize(frame, (384, 256))
            assert np.abs(panel.astype(int) - real).mean() < 4


def test_scalars_and_histograms_of_the_latent(
    watched: tuple[VISTRunner, torch.Tensor],
) -> None:
    runner = watched[0]
    lines = [line for line in scalars(runner) if 'latent/rho_p50' in line]
    assert [line['step'] for line in lines] == [2, 4]
    # where the encoder starts: rho at 0.1, sigma at exp(-1.5)
    assert lines[0]['latent/rho_p50'] == pytest.approx(0.1, abs=0.02)
    assert lines[0]['latent/sigma_p50'] == pytest.approx(0.223, abs=0.02)
    assert lines[0]['latent/rho_min'] <= lines[0]['latent/rho_max']
    assert 0 <= lines[0]['latent/active_share'] <= 1
    folder = Path(runner.work_dir) / runner.timestamp / 'vis_data'
    events = EventAccumulator(str(folder), size_guidance=dict(images=0, histograms=0))
    events.Reload()
    tags = events.Tags()
    assert set(tags['histograms']) == {'latent/rho', 'latent/sigma'}
    histogram = events.Histograms('latent/sigma')
    assert [one.step for one in histogram] == [2, 4]
    # two samples, four channels of 2 x 3 positions
    assert histogram[0].histogram_value.num == 2 * 4 * 6
    assert {'val_0000', 'next_frame_0000'} == set(tags['images'])
    assert 'latent/active_units' in tags['scalars']


def shown_by(rank: int, root: Path, folder: Path) -> None:
    """One process of a group: trains, and leaves a list of what it shows."""
    cfg = config(root, folder, HOOK)
    cfg.launcher = 'pytorch'
    runner = VISTRunner.from_cfg(cfg)
    shown: list[str] = []
    visualizer, add_image = runner.visualizer, runner.visualizer.add_image
    add_histogram = vist_visualization_hook._add_histogram
    with pytest.MonkeyPatch.context() as patch:
        # MMEngine drops a picture of another process, but no histogram
        patch.setattr(
            visualizer,
            'add_image',
            lambda name, *args, **more: (
                shown.append(name) or add_image(name, *args, **more)
            ),
        )
        patch.setattr(
            vist_visualization_hook,
            '_add_histogram',
            lambda run, name, *args: (
                shown.append(name) or add_histogram(run, name, *args)
            ),
        )
        runner.train()
    clips = len(runner.val_dataloader)
    (folder / f'{rank}.json').write_text(json.dumps(dict(shown=shown, clips=clips)))


def test_of_two_processes_one_shows(root: Path, tmp_path: Path) -> None:
    """The other one goes on meanwhile; each has validated a clip."""
    with_two = tmp_path / 'two clips'
    shutil.copytree(root, with_two)
    for kind in ('training/image_02', 'instances'):
        shutil.copytree(root / kind / '0000', with_two / kind / '0001')
    annotations = with_two / 'annotations/val.json'
    annotations.unlink()
    write_json(convert_kitti_mots(with_two, ['0000', '0001']), annotations)
    folder = tmp_path / 'group'
    folder.mkdir()
    run_group(2, shown_by, with_two, folder)
    main, other = (json.loads((folder / f'{rank}.json').read_text()) for rank in (0, 1))
    assert (main['clips'], other['clips']) == (6, 6)
    once = ['latent/rho', 'latent/sigma', 'val_0000', 'next_frame_0000']
    assert main['shown'] == once * 2
    assert other['shown'] == []
    [events] = folder.rglob('events.out*')
    images = sorted(path.name for path in events.parent.glob('vis_image/*'))
    assert len(images) == 4


def test_a_model_without_posterior_and_auxiliary_branch(
    root: Path, tmp_path: Path
) -> None:
    model = dict(variational=False, with_aux=False)
    cfg = config(root, tmp_path / 'bare', HOOK, **model)
    cfg.train_cfg.max_iters = 2
    runner = trained(cfg)
    folder = Path(runner.work_dir) / runner.timestamp / 'vis_data/vis_image'
    assert [one.name for one in folder.glob('next*')] == []
    assert len(list(folder.glob('val_0000_*'))) == 1
    lines = [line for line in scalars(runner) if 'latent/active_units' in line]
    assert len(lines) == 1 and 'latent/rho_p50' not in lines[0]


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    """No encoder, no truth: training goes on, and nothing is shown."""
    cfg = toy_config(tmp_path)
    cfg.custom_hooks = [*cfg.custom_hooks, HOOK]
    runner = trained(cfg)
    assert runner.iter == 6
    assert not list(tmp_path.rglob('*.png'))


def val_batches(root: Path, whole: bool) -> list[dict]:
    cfg = config(root, Path('unused'))
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    indices = [0] if whole else [(0, t) for t in range(6)]
    return [pseudo_collate([dataset[index]]) for index in indices]


def rows_of(
    model: VAEVIST, truth: object, batches: list[dict]
) -> list[tuple[np.ndarray, ...]]:
    clips = ValidationClips(truth, clips=1, frames=2)
    with torch.no_grad():
        for batch in batches:
            clips.expect(model, batch)
            clips.keep(model.val_step(batch), ('car', 'pedestrian'))
    [clip] = clips._shown.values()
    assert list(clip.results) == [3, 4]
    return clip.rows


def test_what_was_expected_is_what_the_model_says(root: Path) -> None:
    """Frame by frame and whole, with z drawn, too, which must draw no less."""
    truth = load_truth(str(root / 'annotations/val.json'))
    model = lively_model(sample_at_test=True)
    model.detector.roi_head.test_cfg.max_per_img = 6
    torch.manual_seed(3)
    rows = rows_of(model, truth, val_batches(root, whole=False))
    after = torch.get_rng_state()

    torch.manual_seed(3)
    state, expected = None, []
    for batch in val_batches(root, whole=False):
        data = model.data_preprocessor(batch, False)
        [(frame, _)] = unpack_frames(data['inputs'], data['data_samples'])
        picture = model.predict_next_frame(frame, state)
        expected.append(to_picture(picture, model.data_preprocessor))
        _, state = model.step(frame, state)
    assert torch.equal(after, torch.get_rng_state())
    for row, t in zip(rows, (2, 3), strict=True):
        assert (row[2] == expected[t]).all()
    torch.manual_seed(3)
    whole = rows_of(model, truth, val_batches(root, whole=True))
    assert torch.equal(after, torch.get_rng_state())
    # a whole video is stepped through beforehand, from the same draws
    for one, other in zip(rows, whole, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_active_units_are_those_whose_mean_varies() -> None:
    means = torch.randn(11, 3, 2, 2) * torch.tensor([0.0, 0.05, 3.0])[:, None, None]
    units = ActiveUnits()
    for part in means.split([4, 1, 6]):
        units.update(part)
    variance = means.double().var(dim=0)
    assert units.count() == (int((variance > 0.01).sum()), 12, 11)
    assert units.count()[0] == 4
    # sizes are kept apart; the commonest counts
    units.update(torch.randn(5, 3, 4, 4))
    assert units.count()[1:] == (12, 11)
    units.update(torch.randn(9, 3, 4, 4))
    assert units.count() == (48, 48, 14)


def test_one_sample_tells_nothing() -> None:
    units = ActiveUnits()
    assert units.count() == (0, 0, 0)
    units.update(torch.ones(1, 2, 1, 1))
    assert units.count() == (0, 0, 0)


def test_quantiles() -> None:
    found = quantiles('x', torch.arange(101.0, dtype=torch.double).view(1, -1) / 100)
    assert found == dict(x_min=0, x_p05=0.05, x_p50=0.5, x_p95=0.95, x_max=1)


@pytest.mark.parametrize('name', ['clips', 'frames', 'interval'])
def test_numbers_that_show_nothing(name: str) -> None:
    with pytest.raises(ValueError, match='at least 1'):
        VISTVisualizationHook(**{name: 0})
