"""Pictures of the next frame."""

import numpy as np
import pytest
import torch
from video_kit import FLOOR, open_minded

from mmvist.apis import VISTInferencer, predict_next_frames
from mmvist.apis.next_frame import to_picture


def test_each_frame_with_its_forecast(
    ours: VISTInferencer, frames: list[np.ndarray]
) -> None:
    pairs = list(predict_next_frames(ours, frames))
    assert len(pairs) == len(frames)
    for seen, predicted in pairs:
        # 110 x 75 within 192 x 128
        assert seen.shape == predicted.shape == (128, 188, 3)
        assert seen.dtype == predicted.dtype == np.uint8
    square = pairs[0][0][30:60, 20:50].reshape(-1, 3).astype(int)
    assert np.abs(square - (250, 120, 30)).max() <= 1, 'BGR as it came'


def test_the_forecast_is_what_the_model_says_before_it_steps_on(
    ours: VISTInferencer, frames: list[np.ndarray]
) -> None:
    """The second forecast depends on the first frame, through the state."""
    whole = [predicted for _, predicted in predict_next_frames(ours, frames[:2])]
    alone = next(iter(predict_next_frames(ours, frames[1:])))[1]
    assert (whole[1] != alone).any()


def test_a_picture_undoes_the_normalisation(ours: VISTInferencer) -> None:
    preprocessor = ours.model.data_preprocessor
    image = torch.randint(0, 256, (1, 3, 32, 64), dtype=torch.uint8)
    packed = preprocessor(dict(inputs=[image], data_samples=None))
    picture = to_picture(packed['inputs'][0, 0], preprocessor)
    assert (picture == image[0].permute(1, 2, 0).numpy()).all()


def test_a_model_without_the_branch() -> None:
    inferencer = VISTInferencer(open_minded(FLOOR), device='cpu')
    with pytest.raises(ValueError, match='predicts no next frame'):
        next(predict_next_frames(inferencer, [np.zeros((64, 64, 3), np.uint8)]))
