"""Trackers that are given the same objects have the same number of masks."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import Config
from tiny_vist import tiny_config

from mmvist.benchmark.frames import HOST, Objects, Player, padded, paper_cases
from mmvist.benchmark.own_process import Send, sent_by
from mmvist.benchmark.rows import CONFIGS
from mmvist.benchmark.stages import GIVE_BACK, MemoryProfile, Profile, stage_modules

SIZE = (60, 90)
OBJECTS = Objects(6, SIZE)
HOST_CONFIG = CONFIGS / 'baselines/masktrack-rcnn_mask-rcnn_r18-half_fpn_synthetic.py'
LINUX = Path('/proc/self/clear_refs').exists()


def host(**options: object) -> Player:
    return Player(Config.fromfile(str(HOST_CONFIG)).model, OBJECTS, **options)


def ours(**changes: object) -> Player:
    return Player(tiny_config(**changes), OBJECTS)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.zeros(1, 3, *padded(SIZE))


@pytest.mark.parametrize('size', [(60, 90), (360, 640), (1080, 1920)])
@pytest.mark.parametrize('count', [1, 30, 200])
def test_boxes_move_inside_the_picture_and_keep_their_size(
    size: tuple[int, int], count: int
) -> None:
    objects = Objects(count, size)
    first = objects.boxes(0)
    sides = first[:, 2:] - first[:, :2]
    for frame in range(0, 100, 7):
        boxes = objects.boxes(frame)
        assert torch.allclose(boxes[:, 2:] - boxes[:, :2], sides, atol=1e-2)
        assert (boxes[:, :2] >= -1e-3).all()
        assert (boxes[:, 2:] <= torch.tensor(size[::-1]) + 1e-2).all()
        later = objects.boxes(frame + 2)
        assert bbox_overlaps(boxes, later).diag().min() > 0.5, 'a tracker would lose it'
    assert not torch.equal(first, objects.boxes(1))


@pytest.mark.parametrize(
    'make',
    [
        host,
        lambda: host(channels_last=True),
        ours,
        lambda: ours(detect_interval=2),
    ],
    ids=['host', 'channels innermost', 'ours', 'every second frame detected'],
)
def test_every_frame_has_every_object(
    make: Callable[[], Player], image: torch.Tensor
) -> None:
    player = make()
    for _ in range(16):
        player.see(image)
    assert player.masks == [6] * 16
    assert len(player.shown.instances_id.unique()) == 6


def test_boxes_do_not_grow(image: torch.Tensor) -> None:
    player = ours()
    for frame in range(16):
        player.see(image)
        assert torch.allclose(
            player.shown.bboxes.sort(dim=0)[0],
            OBJECTS.boxes(frame).sort(dim=0)[0],
            atol=1e-2,
        )


def test_what_is_not_detected_is_let_go(image: torch.Tensor) -> None:
    player = ours(detect_interval=2)
    player.let_go()
    for _ in range(4):
        player.see(image)
    assert player.masks == [6, 0, 6, 0]


def test_cases_share_one_detector() -> None:
    cases = paper_cases(50)
    assert list(cases)[0] == HOST and len(cases) == 4
    shapes = []
    for cfg in cases.values():
        detector = cfg.model.detector
        shapes.append((detector.backbone, detector.neck, detector.test_cfg.rpn))
    parts = [[str(part) for part in one] for one in shapes]
    assert all(one == parts[0] for one in parts)
    assert cases['fast, every second frame detected'].model.detect_interval == 2


def test_a_profile_names_stages_that_run(image: torch.Tensor) -> None:
    for player in (host(), ours()):
        watch = Profile(player.model, time.perf_counter)
        start = time.perf_counter()
        for _ in range(2):
            player.see(image)
        whole = time.perf_counter() - start
        assert set(watch.seconds) == set(stage_modules(player.model))
        assert all(spent > 0 for spent in watch.seconds.values())
        assert sum(watch.seconds.values()) < whole, 'no stage counts twice'


@pytest.mark.skipif(not LINUX, reason='the system does not tell memory')
def test_memory_of_a_stage_is_what_it_asks_for() -> None:
    """In a process of its own: what other tests left would be set free meanwhile."""
    [megabytes] = sent_by(_send_memory_of_a_waste, environment=GIVE_BACK)
    assert 55 < megabytes.pop('E_phi') < 110
    assert max(megabytes.values()) < 40


def _send_memory_of_a_waste(send: Send) -> None:
    player = ours()
    layer = player.model.encoder
    forward = layer.forward

    def wasteful(*args: object) -> object:
        torch.ones(64 * 2**18)
        return forward(*args)

    layer.forward = wasteful
    watch = MemoryProfile(player.model)
    player.see(torch.zeros(1, 3, *padded(SIZE)))
    send(watch.megabytes)
