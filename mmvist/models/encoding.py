"""From a feature map to the posterior of a latent map (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvist.distributions import (
    GroupedNormal,
    correlation_from_logits,
    logits_from_correlation,
)
from mmvist.registry import MODELS

from .latent_layout import LatentLayout
from .layers import conv3x3


@dataclass
class Encoding:
    """What the encoder says of an observation xi_t.

    Attributes:
        mean: mu, (N, L, h, w) at stride 32.
        posterior: q(z | xi, phi) over J = L * h * w variables, or None for an
            encoder that is not variational.
        layout: The order in which ``posterior`` lists the positions of a map.
        phi: The spatial prior: block outputs at strides 1 (or 2), 2, 4, 8, 16;
            empty of an encoder without blocks.
        bottleneck: E_32, (N, C, h, w), in front of the latent heads.
    """

    mean: Tensor
    posterior: GroupedNormal | None
    layout: LatentLayout
    phi: tuple[Tensor, ...]
    bottleneck: Tensor

    @property
    def skips(self) -> tuple[Tensor, ...]:
        """E_s for s = 4, 8, 16, 32."""
        return (*self.phi[2:], self.bottleneck)

    def sample(self) -> Tensor:
        """Draw z ~ q, (N, L, h, w), with its gradient; mu without a posterior."""
        if self.posterior is None:
            return self.mean
        return self.layout.to_map(self.posterior.rsample()).to(self.mean.dtype)

    def draw(self, count: int, seed: int) -> Tensor:
        """Draws of the z of one frame, (count, L, h, w): the same for the same seed.

        Raises:
            ValueError: There is no posterior, or one of several frames.
        """
        if self.posterior is None or len(self.mean) != 1:
            raise ValueError('z is drawn from the posterior of one frame')
        generator = torch.Generator(self.mean.device).manual_seed(seed)
        draws = self.posterior.rsample((count,), generator)[:, 0]
        return self.layout.to_map(draws).to(self.mean.dtype)


class LatentHeads(BaseModule):
    """The end of an encoder: a feature map to q(z) over a latent map.

    mu and log sigma^2 by 3x3 convolutions, rho by a linear layer on the average
    over each group. A subclass calls :meth:`_add_latent_heads` once.
    """

    LOG_VAR_LIMIT = 10.0

    def _add_latent_heads(
        self,
        in_channels: int,
        latent_channels: int,
        groups: str | Sequence[int],
        with_corr: bool,
        variational: bool,
        init_rho: float,
        init_log_var: float,
    ) -> None:
        if not 0 <= init_rho < 0.99:
            # under 0 the bound depends on the size of a group, hence of a frame
            raise ValueError(f'init_rho is at least 0 and under 0.99, got {init_rho}')
        self.latent_channels = latent_channels
        self.groups = groups if isinstance(groups, str) else tuple(groups)
        self.with_corr = with_corr and variational
        self.variational = variational
        self.init_rho = init_rho
        self.mean_head = conv3x3(in_channels, latent_channels)
        nn.init.normal_(self.mean_head.weight, std=0.01)
        if variational:
            self.log_var_head = conv3x3(in_channels, latent_channels)
            nn.init.normal_(self.log_var_head.weight, std=0.001)
            nn.init.constant_(self.log_var_head.bias, init_log_var)
        if self.with_corr:
            channels = 1 if self.groups == 'position' else latent_channels
            self.rho_head = nn.Conv2d(in_channels, channels, 1)
            nn.init.normal_(self.rho_head.weight, std=0.001)
            nn.init.zeros_(self.rho_head.bias)

    def _encode(
        self,
        bottleneck: Tensor,  # (N, C, h, w)
        phi: tuple[Tensor, ...] = (),
    ) -> Encoding:
        mean = self.mean_head(bottleneck)
        layout = LatentLayout(self.groups, mean.shape[1:])
        posterior = None
        if self.variational:
            posterior = self._posterior(bottleneck, mean, layout)
        return Encoding(mean, posterior, layout, phi, bottleneck)

    def _posterior(
        self, bottleneck: Tensor, mean: Tensor, layout: LatentLayout
    ) -> GroupedNormal:
        limit = self.LOG_VAR_LIMIT
        log_var = self.log_var_head(bottleneck).float().clamp(-limit, limit)
        scale = torch.exp(0.5 * log_var)
        if self.with_corr:
            logits = layout.pool(self.rho_head, bottleneck).float()
            start = logits_from_correlation(
                logits.new_full(logits.shape, self.init_rho), layout.group_sizes
            )
            rho = correlation_from_logits(logits + start, layout.group_sizes)
        else:
            rho = scale.new_zeros(len(mean), layout.num_groups)
        return GroupedNormal(
            layout.to_vector(mean.float()),
            layout.to_vector(scale),
            rho,
            layout.group_sizes,
            validate_args=False,
        )


@MODELS.register_module()
class FeatureEncoder(LatentHeads):
    """q(z) of a feature map that another network has made.

    For models that have a backbone already, see :class:`LatentSupervision`.

    Args:
        in_channels: Channels C of the map.
        latent_channels: Channels L of the latent map.
        groups: As in :class:`VideoEncoder`, and the rest too.
        with_corr: False keeps rho at 0.
        init_rho: Where rho starts, from 0 on.
        init_log_var: Where log sigma^2 starts.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        in_channels: int,
        latent_channels: int = 32,
        groups: str | Sequence[int] = 'channel',
        with_corr: bool = True,
        init_rho: float = 0.1,
        init_log_var: float = -3.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self._add_latent_heads(
            in_channels,
            latent_channels,
            groups,
            with_corr=with_corr,
            variational=True,
            init_rho=init_rho,
            init_log_var=init_log_var,
        )

    def forward(
        self,
        feature: Tensor,  # (N, C, h, w)
    ) -> Encoding:
        """The posterior over (N, L, h, w); see :class:`Encoding`."""
        return self._encode(feature)
