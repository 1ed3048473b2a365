"""Colours and what is painted onto a frame."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvist.visualization import display_scale, draw_instances, identity_color
from mmvist.visualization.palette import text_color
from mmvist.visualization.text import put_text, text_size


def instances(*masks: np.ndarray, ids: list[int] | None = None) -> InstanceData:
    count = len(masks)
    return InstanceData(
        masks=torch.tensor(np.array(masks, dtype=bool)).reshape(count, 40, 60),
        labels=torch.arange(count) % 2,
        instances_id=torch.tensor(ids or list(range(1, count + 1))),
    )


def box_mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((40, 60), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def test_colours_are_distinct_for_21_identities_and_then_come_again() -> None:
    colors = [identity_color(one) for one in range(1, 22)]
    assert len(set(colors)) == 21
    pairs = [
        np.abs(np.subtract(a, b)).sum()
        for k, a in enumerate(colors)
        for b in colors[:k]
    ]
    assert min(pairs) > 40
    assert identity_color(22) == colors[0]
    assert identity_color(10**9) == identity_color(10**9)


@pytest.mark.parametrize('identity', range(1, 22))
def test_text_stands_out_from_its_ground(identity: int) -> None:
    def luminance(color: tuple[int, ...]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (value / 255 for value in color)
        ]
        return 0.0722 * linear[0] + 0.7152 * linear[1] + 0.2126 * linear[2]

    ground = identity_color(identity)
    low, high = sorted(luminance(c) for c in (ground, text_color(ground)))
    # the contrast that WCAG asks of large or bold text
    assert (high + 0.05) / (low + 0.05) > 3


@pytest.mark.parametrize(
    ('width', 'scale'), [(192, 4), (427, 2), (640, 1), (1920, 1), (20, 38)]
)
def test_small_frames_are_enlarged(width: int, scale: int) -> None:
    assert display_scale(width) == scale


def test_each_identity_is_filled_with_its_colour() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    found = instances(box_mask(2, 12, 20, 36), box_mask(30, 14, 55, 34), ids=[5, 9])
    picture = draw_instances(image, found, ('car', 'pedestrian'), scale=4, opacity=1)
    assert picture.shape == (160, 240, 3)
    assert tuple(picture[4 * 30, 4 * 10]) == identity_color(5)
    assert tuple(picture[4 * 30, 4 * 45]) == identity_color(9)
    assert tuple(picture[4 * 38, 4 * 25]) == (100, 100, 100)
    assert (image == 100).all(), 'the frame itself stays as it was'


def test_a_half_opaque_fill_shows_the_frame() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    found = instances(box_mask(2, 12, 40, 38))
    picture = draw_instances(image, found, scale=1, opacity=0.5)
    mixed = (np.array(identity_color(1)) + 100) // 2
    assert np.abs(picture[30, 30].astype(int) - mixed).max() <= 1


def test_no_instance_leaves_the_frame_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    assert (draw_instances(image, instances(), scale=1) == image).all()


def test_an_empty_mask_has_no_label() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    picture = draw_instances(image, instances(box_mask(0, 0, 0, 0)), scale=2)
    assert (picture == 100).all()


def test_a_tracker_without_masks_shows_boxes_also_beyond_the_frame() -> None:
    image = np.full((40, 60, 3), 100, np.uint8)
    found = InstanceData(
        bboxes=torch.tensor([[-5.0, 10.0, 30.0, 70.0]]),
        instances_id=torch.tensor([3]),
    )
    picture = draw_instances(image, found, scale=2, opacity=1)
    assert tuple(picture[60, 20]) == identity_color(3)
    assert tuple(picture[70, 100]) == (100, 100, 100)


def test_labels_do_not_cover_each_other() -> None:
    """Two objects with one top edge: the second label steps aside."""
    image = np.full((40, 60, 3), 100, np.uint8)
    found = instances(box_mask(20, 14, 40, 36), box_mask(22, 14, 38, 34), ids=[1, 2])
    picture = draw_instances(image, found, ('a', 'b'), scale=12, opacity=0)
    for identity in (1, 2):
        plate = (picture == identity_color(identity)).all(axis=2)
        lengths = plate.sum(axis=1)
        # a label's plate is a dozen full rows, an outline is two pixels a row
        assert (lengths > 20).sum() >= 10, f'no plate for {identity}'


def test_text_beyond_the_edge_is_cut_off() -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    put_text(image, 'a long line of text', (4, 2), 12, (255, 255, 255))
    assert image.any()
    put_text(image, 'text', (50, 50), 12, (255, 255, 255))
    assert text_size('wwww', 12)[0] > text_size('ii', 12)[0]
