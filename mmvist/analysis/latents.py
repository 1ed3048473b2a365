"""Another z put into a model, and what it does with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from mmvist.engine.errors import UserError
from mmvist.models import VAEVIST
from mmvist.models.encoding import Encoding
from mmvist.monitor import ActiveUnits, quantiles
from mmvist.structures.clip import Frame

LatentSource = Callable[[Encoding, Frame], Tensor]
"""What the encoder says of a frame, and the frame, to the z (S, L, h, w) in use."""


@contextmanager
def latents_from(model: VAEVIST, source: LatentSource) -> Iterator[None]:
    """Let :meth:`VAEVIST.step` take its z from ``source``; whole again afterwards."""
    model.latents = source
    try:
        yield
    finally:
        del model.latents


@dataclass
class LatentProbe:
    """A source of z that watches what D_aux makes of it.

    Args:
        model: The model.
        choose: The z in place of the mean that the encoder gives; None keeps that.

    Attributes:
        means: What the encoder gave, (1, L, h, w), by video and frame.
        units: The same as :class:`ActiveUnits` count them.
        quantiles: Of rho and sigma in the last frame; empty without a posterior.
    """

    model: VAEVIST
    choose: Callable[[Frame, Tensor], Tensor] | None = None
    means: dict[object, dict[int, Tensor]] = field(default_factory=dict)
    units: ActiveUnits = field(default_factory=ActiveUnits)
    quantiles: dict[str, float] = field(default_factory=dict)
    _squares: float = 0.0
    _numbers: int = 0
    _expected: tuple[object, int, Tensor] | None = None

    def __call__(self, encoding: Encoding, frame: Frame) -> Tensor:
        """The z of a frame."""
        mean = encoding.mean
        self.means.setdefault(frame.video_id, {})[frame.frame_id] = mean.clone()
        self.units.update(mean)
        if encoding.posterior is not None:
            self.quantiles = {
                **quantiles('rho', encoding.posterior.rho),
                **quantiles('sigma', encoding.posterior.scale),
            }
        z = mean if self.choose is None else self.choose(frame, mean)
        if self.model.with_aux:
            self._judge(frame)
            picture = self.model.auxiliary_head(z, frame.image.shape[-2:])
            self._expected = frame.video_id, frame.frame_id + 1, picture
        return z

    def _judge(self, frame: Frame) -> None:
        """Compare what was expected of this frame with it."""
        if self._expected is None:
            return
        video, number, picture = self._expected
        if (video, number) == (frame.video_id, frame.frame_id):
            height, width = frame.img_shape
            error = (picture - frame.image)[..., :height, :width].double()
            self._squares += float(error.square().sum())
            self._numbers += error.numel()

    @property
    def aux_error(self) -> float:
        """Mean square error of D_aux, in the units of its loss; NaN without one."""
        return self._squares / self._numbers if self._numbers else float('nan')


def exchanged(
    means: dict[object, dict[int, Tensor]],
) -> Callable[[Frame, Tensor], Tensor]:
    """Give each frame the z of the same frame of the next clip that has one.

    Args:
        means: Of all clips, as :class:`LatentProbe` keeps them.

    Returns:
        ``choose`` of a :class:`LatentProbe`.
    """
    videos = list(means)

    def choose(frame: Frame, mean: Tensor) -> Tensor:
        place = videos.index(frame.video_id)
        for other in (*videos[place + 1 :], *videos[:place]):
            z = means[other].get(frame.frame_id)
            if z is not None and z.shape == mean.shape:
                return z
        raise UserError(
            f'frame {frame.frame_id} of video {frame.video_id}: no other clip of the '
            'test set has a frame of that number and size to exchange z with'
        )

    return choose
