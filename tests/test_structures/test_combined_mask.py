import pytest
import torch

from mmvist.structures.combined_mask import combined_mask, damage_masks, jitter_boxes

LARGE = torch.ones(3, 4, dtype=torch.bool)
SMALL = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)


@pytest.mark.parametrize(
    'weights, large, small',
    [('class', 0.25, 0.75), ('binary', 1, 1), ('score', 0.5, 0.125)],
)
@pytest.mark.parametrize('order', [[0, 1], [1, 0]])
def test_weights_and_small_on_top(weights, large, small, order):
    """Whichever comes first in the list."""
    masks = torch.stack([LARGE, SMALL])[order]
    labels = torch.tensor([0, 2])[order]
    scores = torch.tensor([0.5, 0.125])[order]
    image = combined_mask(masks, labels, 4, weights, scores)
    assert image.shape == (1, 3, 4)
    assert (image[0][SMALL] == small).all()
    assert (image[0][~SMALL] == large).all()


@pytest.mark.parametrize('weights', ['class', 'binary', 'score'])
def test_nothing_is_background(weights):
    masks = torch.zeros(0, 3, 4, dtype=torch.bool)
    none = torch.zeros(0)
    image = combined_mask(masks, none.long(), 2, weights, none)
    assert image.shape == (1, 3, 4) and not image.any()


def test_last_class_is_white():
    image = combined_mask(LARGE[None], torch.tensor([3]), 4)
    assert (image == 1).all()


def test_wrong_weights():
    with pytest.raises(ValueError, match='one of'):
        combined_mask(LARGE[None], torch.tensor([0]), 1, 'grey')
    with pytest.raises(ValueError, match='needs scores'):
        combined_mask(LARGE[None], torch.tensor([0]), 1, 'score')


def blocks() -> tuple[torch.Tensor, torch.Tensor]:
    """A 20 x 10 and a 10 x 30 block on 60 x 80 pixels."""
    boxes = torch.tensor([[20.0, 10, 40, 20], [50, 25, 60, 55]])
    masks = torch.zeros(2, 60, 80, dtype=torch.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int().tolist()):
        mask[y1:y2, x1:x2] = 1
    return masks, boxes


def test_no_damage_is_the_identity():
    masks, boxes = blocks()
    assert torch.equal(damage_masks(masks, boxes, 0, 0, 0), masks.bool())
    assert damage_masks(masks[:0], boxes[:0]).shape == (0, 60, 80)


def test_damage_is_bounded_by_its_options():
    """In box sides: 5 % of 20 x 10 pixels is a pixel across, half a one down."""
    masks, boxes = blocks()
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = boxes[:, 2:] - boxes[:, :2]
    y, x = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(80) + 0.5, indexing='ij')
    changed, reach = 0, torch.zeros(2)
    for _ in range(60):
        moved = damage_masks(masks, boxes, shift=0.2, scale=0, rotate=0).float()
        area = moved.flatten(1).sum(1)
        here = torch.stack([(moved * x).sum((1, 2)), (moved * y).sum((1, 2))], 1)
        offset = ((here / area[:, None] - centres) / sides).abs()
        # half a pixel of rounding
        assert (offset <= 0.2 + 0.5 / sides.min()).all()
        reach = torch.maximum(reach, offset.max(1)[0])
        changed += int((moved.bool() != masks.bool()).any())
    assert changed > 50 and (reach > 0.1).all()


def test_damage_by_size_and_angle():
    masks, boxes = blocks()
    area = masks.flatten(1).sum(1).float()
    ratios = torch.stack(
        [
            damage_masks(masks, boxes, 0, scale=0.2, rotate=0).flatten(1).sum(1) / area
            for _ in range(60)
        ]
    )
    assert 0.55 < ratios.min() < 0.8 and 1.2 < ratios.max() < 1.55
    turned = damage_masks(masks, boxes, 0, 0, rotate=90.0)
    kept = turned.flatten(1).sum(1) / area
    assert (abs(kept - 1) < 0.15).all(), 'a rotation keeps the area'


def test_a_mask_is_moved_whatever_its_place():
    """The centre is the box's: a turn by 180 degrees leaves a block in place."""
    masks, boxes = blocks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, 'rand', lambda *shape: torch.ones(*shape))
        turned = damage_masks(masks, boxes, 0, 0, rotate=180.0)
        # where a pixel's centre lies on a border, rounding decides
        assert (turned != masks.bool()).sum() <= 4
        shifted = damage_masks(masks, boxes, shift=0.1, scale=0, rotate=0)
    assert torch.equal(shifted[0, 11:21, 22:42], masks[0, 10:20, 20:40].bool())
    assert shifted[0].sum() == 200


def test_jitter_is_bounded():
    boxes = torch.tensor([[20.0, 10, 40, 20], [50, 25, 60, 55]]).repeat(200, 1)
    moved = jitter_boxes(boxes, centre=0.1, size=0.3)
    sides = boxes[:, 2:] - boxes[:, :2]
    shift = (
        (moved[:, :2] + moved[:, 2:]) / 2 - (boxes[:, :2] + boxes[:, 2:]) / 2
    ) / sides
    size = (moved[:, 2:] - moved[:, :2]) / sides - 1
    for part, limit in ((shift, 0.1), (size, 0.3)):
        assert part.abs().max() <= limit + 1e-4
        assert part.max() > 0.9 * limit and part.min() < -0.9 * limit
    torch.testing.assert_close(jitter_boxes(boxes, 0, 0), boxes)
    assert jitter_boxes(boxes[:0]).shape == (0, 4)


def test_autocast_moves_no_mask_elsewhere():
    masks, boxes = torch.zeros(1, 400, 900), torch.tensor([[600.0, 200, 700, 300]])
    masks[0, 200:300, 600:700] = 1
    torch.manual_seed(0)
    expected = damage_masks(masks, boxes)
    torch.manual_seed(0)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(damage_masks(masks, boxes), expected)
