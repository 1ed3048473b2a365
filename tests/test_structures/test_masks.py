import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvist.structures import masks as masks_module
from mmvist.structures.masks import disjoint_masks, mask_iou


@st.composite
def frames(draw):
    num, height, width = (draw(st.integers(0, hi)) for hi in (6, 7, 7))
    seed = draw(st.integers(0, 2**16))
    density = draw(st.sampled_from([0.0, 0.2, 0.6, 1.0]))
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(num, height, width, generator=generator) < density
    # few distinct scores, so that ties are common
    scores = torch.randint(0, 3, (num,), generator=generator) / 2
    priority = torch.randint(0, 3, (num,), generator=generator)
    return masks, scores, priority if draw(st.booleans()) else None


@st.composite
def sure_frames(draw):
    masks, scores, priority = draw(frames())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    probs = torch.randint(0, 4, masks.shape, generator=generator) / 4
    return masks, scores, priority, probs


def reference(masks, scores, priority):
    """One mask after the other."""
    rank = priority.tolist() if priority is not None else [0] * len(masks)
    order = sorted(range(len(masks)), key=lambda i: (rank[i], -scores[i].item(), i))
    out, taken = torch.zeros_like(masks), torch.zeros_like(masks.any(0))
    for i in order:
        out[i] = masks[i] & ~taken
        taken |= masks[i]
    return out, order


@given(frames())
@settings(max_examples=150, deadline=None)
def test_disjoint_masks_properties(frame):
    masks, scores, priority = frame
    before = masks.clone()
    out = disjoint_masks(masks, scores, priority)
    expected, order = reference(masks, scores, priority)
    assert out.dtype == torch.bool and out.shape == masks.shape
    assert torch.equal(masks, before)
    assert (out.sum(0) <= 1).all()
    assert not (out & ~masks).any()
    assert torch.equal(out.any(0), masks.any(0))
    if order:
        assert torch.equal(out[order[0]], masks[order[0]])
    assert torch.equal(out, expected)
    assert torch.equal(disjoint_masks(out, scores, priority), out)


@given(sure_frames())
@settings(max_examples=100, deadline=None)
def test_pixels_go_to_the_surest(frame):
    masks, scores, priority, probs = frame
    out = disjoint_masks(masks, scores, priority, probs.half())
    expected = torch.zeros_like(masks)
    rank = priority if priority is not None else torch.zeros(len(masks))
    for row in range(masks.shape[1]):
        for column in range(masks.shape[2]):
            covering = masks[:, row, column].nonzero()[:, 0].tolist()
            if covering:
                worth = scores * probs[:, row, column]
                best = min(covering, key=lambda i: (rank[i], -worth[i], -scores[i], i))
                expected[best, row, column] = True
    assert torch.equal(out, expected)
    even = torch.full_like(probs, 0.5)
    assert torch.equal(
        disjoint_masks(masks, scores, priority, even),
        disjoint_masks(masks, scores, priority),
    )


@given(sure_frames())
@settings(max_examples=50, deadline=None)
def test_chunks_change_nothing(frame):
    masks, *_ = frame
    whole = disjoint_masks(*frame), mask_iou(masks, masks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masks_module, '_CHUNK_ELEMENTS', 5)
        assert torch.equal(disjoint_masks(*frame), whole[0])
        assert torch.equal(mask_iou(masks, masks), whole[1])


def test_priority_goes_before_score():
    masks = torch.tensor([[[1, 1, 0]], [[0, 1, 1]]], dtype=torch.bool)
    scores = torch.tensor([0.9, 0.5])
    out = disjoint_masks(masks, scores, torch.tensor([2, 0]))
    assert out.int().tolist() == [[[1, 0, 0]], [[0, 1, 1]]]
    out = disjoint_masks(masks, scores)
    assert out.int().tolist() == [[[1, 1, 0]], [[0, 0, 1]]]


def test_wrong_input_is_refused():
    masks = torch.zeros(2, 3, 3, dtype=torch.bool)
    with pytest.raises(TypeError, match='bool'):
        disjoint_masks(masks.float(), torch.zeros(2))
    with pytest.raises(ValueError, match=r'\(N, H, W\)'):
        disjoint_masks(masks[0], torch.zeros(3))
    with pytest.raises(ValueError, match='scores'):
        disjoint_masks(masks, torch.zeros(3))
    with pytest.raises(ValueError, match='priority'):
        disjoint_masks(masks, torch.zeros(2), torch.zeros(1))
    with pytest.raises(ValueError, match='probs'):
        disjoint_masks(masks, torch.zeros(2), probs=torch.zeros(2, 3, 1))
    with pytest.raises(ValueError, match='differ in size'):
        mask_iou(masks, masks[:, :2])


@given(frames())
@settings(max_examples=50, deadline=None)
def test_mask_iou_against_pairs(frame):
    masks, _, _ = frame
    others = masks.flip(1)[: max(0, len(masks) - 1)]
    iou = mask_iou(masks, others)
    assert iou.shape == (len(masks), len(others)) and iou.dtype == torch.float32
    for i, first in enumerate(masks):
        for j, second in enumerate(others):
            union = (first | second).sum().item()
            expected = (first & second).sum().item() / union if union else 0.0
            assert iou[i, j].item() == pytest.approx(expected, abs=1e-7)


def test_mask_iou_stays_exact_under_autocast():
    """bfloat16 sums of thousands of pixels would be off by percents."""
    masks = torch.zeros(2, 101, 103, dtype=torch.bool)
    masks[0, :77], masks[1, :78] = True, True
    with torch.autocast('cpu', dtype=torch.bfloat16):
        iou = mask_iou(masks[:1], masks[1:])
    assert iou.item() == pytest.approx(77 / 78, abs=1e-7)
