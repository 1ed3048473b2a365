"""The VAE as a second teacher of a detector of MMDetection.

Not in the paper: its auxiliary branch (section 3.3.1) and its KL (Theorem 2),
hung on a backbone that belongs to another model.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmvist.registry import MODELS
from mmvist.structures.hosts import unpack_clip

from .losses import kl_losses

_STRIDE = 32
"""Of the map that the auxiliary head takes."""


@MODELS.register_module()
class LatentSupervision(BaseModel):
    """A detector, trained to also keep in its backbone what a picture needs.

    In training:

    1. the detector's own losses;
    2. the last map of its backbone, (N, C, H/32, W/32), to q(z) over a latent
       map (N, L, H/32, W/32): :class:`FeatureEncoder`;
    3. z ~ q to a picture (N, 3, H, W): :class:`AuxiliaryHead`. Of images
       (N, 3, H, W) it is the image itself; of clips (N, 3, 3, H, W), which
       ``mmvist.AdjacentFrameSample`` makes, the frame after the one that the
       detector sees;
    4. the KL of q: :class:`GPKLLoss`.

    The backbone runs once. In testing the detector is all there is, and its
    weights are those of the checkpoint under ``detector.``.

    Args:
        detector: Config of a model of MMDetection: an image detector, or a video
            model with one.
        encoder: Config of the encoder of step 2.
        auxiliary_head: Config of the decoder of step 3.
        kl_loss: Config of the latent loss.
        data_preprocessor: Config of the preprocessor; that of ``detector`` by
            default.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: The model has no backbone.

    Example:
        >>> model = dict(
        ...     _delete_=True,
        ...     type='mmvist.LatentSupervision',
        ...     detector=_base_.model,
        ...     encoder=dict(type='mmvist.FeatureEncoder', in_channels=2048),
        ...     auxiliary_head=dict(type='mmvist.AuxiliaryHead'),
        ...     kl_loss=dict(type='mmvist.GPKLLoss'))
    """

    def __init__(
        self,
        detector: dict,
        encoder: dict,
        auxiliary_head: dict,
        kl_loss: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        detector = dict(detector)
        own = detector.pop('data_preprocessor', None)
        super().__init__(data_preprocessor or own, init_cfg)
        self.detector = MODELS.build(detector)
        self.encoder = MODELS.build(encoder)
        self.auxiliary_head = MODELS.build(auxiliary_head)
        self.kl_loss = MODELS.build(kl_loss or dict(type='mmvist.GPKLLoss'))
        _backbone(self.detector)

    def forward(
        self,
        inputs: Tensor,  # (N, 3, H, W), or (N, 3, 3, H, W)
        data_samples: list | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list | tuple:
        """MMEngine's entry; all but the losses is the detector's."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        return self.detector(inputs, data_samples, mode=mode)

    def predict(self, inputs: Tensor, data_samples: list, **kwargs: object) -> list:
        """What the detector says, which is all that there is in testing."""
        return self.detector.predict(inputs, data_samples, **kwargs)

    @property
    def tracker(self) -> Any:
        """That of a video model; None of an image detector."""
        return getattr(self.detector, 'tracker', None)

    def loss(
        self,
        inputs: Tensor,  # (N, 3, H, W) images, or (N, 3, 3, H, W) clips
        data_samples: list,
    ) -> dict[str, Tensor]:
        """Losses of the detector, and those of the latents.

        Returns:
            What the detector returns; ``loss_aux``, ``loss_kl``; and what is only
            logged: ``rho``, ``abs_rho``, ``sigma``.

        Raises:
            ValueError: The backbone's last map is not of stride 32, or a loss of
                the detector has one of these names.
        """
        maps: list[Tensor] = []
        handle = _backbone(self.detector).register_forward_hook(
            lambda module, args, outs: maps.append(outs[-1])
        )
        try:
            losses = self.detector.loss(inputs, data_samples)
        finally:
            handle.remove()
        target, exists, shapes = _pictures(inputs, data_samples)
        feature = maps[0]
        expected = tuple(-(-side // _STRIDE) for side in target.shape[-2:])
        if tuple(feature.shape[-2:]) != expected:
            raise ValueError(
                f'the last map of the backbone is {tuple(feature.shape[-2:])} of an '
                f'input of {tuple(target.shape[-2:])}; LatentSupervision takes one of '
                f'stride {_STRIDE}, {expected}'
            )
        encoding = self.encoder(feature)
        own = self.auxiliary_head.loss(encoding.sample(), target, exists, shapes)
        own.update(kl_losses(self.kl_loss, encoding.posterior))
        both = own.keys() & losses.keys()
        if both:
            raise ValueError(f'the detector has losses of the same name: {both}')
        return {**losses, **own}


def _backbone(detector: nn.Module) -> nn.Module:
    """The backbone of an image detector, or of a video model's detector."""
    for holder in (detector, getattr(detector, 'detector', None)):
        if isinstance(getattr(holder, 'backbone', None), nn.Module):
            return holder.backbone
    raise ValueError(f'{type(detector).__name__} has no backbone to take a map of')


def _pictures(
    inputs: Tensor, data_samples: list
) -> tuple[Tensor, Tensor, list[tuple[int, int]]]:
    """What z is asked for, (N, 3, H, W); whether it exists; sizes unpadded."""
    if inputs.dim() == 5:
        clip = unpack_clip(inputs, data_samples)
        return clip.next_frame, clip.has_next, clip.img_shapes
    exists = torch.ones(len(inputs), dtype=torch.bool, device=inputs.device)
    return inputs, exists, [tuple(one.img_shape[:2]) for one in data_samples]
