"""The picture of F_{t+1} that the auxiliary decoder has of frame t."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from mmdet.models.data_preprocessors import TrackDataPreprocessor
from torch import Tensor

from mmvist.structures.hosts import unpack_frames

from .frames import Source, open_source
from .inference import VISTInferencer


def predict_next_frames(
    inferencer: VISTInferencer, source: Source
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Track a source and show what D_aux expects next.

    Args:
        inferencer: Of a ``VAEVIST`` with its auxiliary branch.
        source: As :func:`mmvist.apis.open_source` takes it.

    Yields:
        For each frame F_t (h, w, 3) and the predicted F_{t+1} (h, w, 3), both
        uint8 BGR at the model's input size without padding.

    Raises:
        ValueError: The model has no auxiliary branch.
    """
    model, state = inferencer.model, None
    if not hasattr(model, 'predict_next_frame'):
        raise ValueError(f'{type(model).__name__} predicts no next frame')
    for number, image in enumerate(open_source(source)):
        inputs, sample = inferencer.prepare(image, number)
        [(frame, _)] = unpack_frames(inputs, [sample])
        predicted = model.predict_next_frame(frame, state)
        _, state = model.step(frame, state)
        height, width = frame.img_shape
        seen = frame.image[0, :, :height, :width]
        preprocessor = model.data_preprocessor
        yield to_picture(seen, preprocessor), to_picture(predicted, preprocessor)


def to_picture(image: Tensor, preprocessor: TrackDataPreprocessor) -> np.ndarray:
    """Undo the normalisation of a preprocessor.

    Args:
        image: (3, H, W), as the model sees or predicts it.
        preprocessor: The model's.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    if preprocessor._enable_normalize:
        mean, std = preprocessor.mean.view(3, 1, 1), preprocessor.std.view(3, 1, 1)
        image = image * std + mean
    # MMTracking's preprocessor calls it channel_conversion
    if getattr(preprocessor, '_channel_conversion', None) or getattr(
        preprocessor, 'channel_conversion', False
    ):
        image = image.flip(0)
    image = image.round().clamp(0, 255).byte()
    return np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
