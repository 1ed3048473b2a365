"""A VAE of single images in plain MMEngine: a model, its frames, its number.

Stands for a model of your own: all it takes of mmvist is the distribution of its
latents and the loss on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmvist.distributions import GroupedNormal, correlation_from_logits


@MODELS.register_module()
class ImageVAE(BaseModel):
    """(N, 3, H, W) to q(z) over (N, L, H/8, W/8), and z back to the image.

    A group of correlated latents is one channel with its positions.

    Args:
        kl_loss: Config of the latent loss.
        latent_channels: L.
        width: Channels of every other layer.
        data_preprocessor: Config of MMEngine's ``ImgDataPreprocessor``; it has to
            pad to a multiple of 8.
    """

    def __init__(
        self,
        kl_loss: dict,
        latent_channels: int = 8,
        width: int = 32,
        data_preprocessor: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        down: list[nn.Module] = []
        up: list[nn.Module] = [nn.Conv2d(latent_channels, width, 3, padding=1)]
        for channels in (3, width, width):
            down += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.ReLU()]
            up += [nn.ReLU(), nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*down)
        self.decoder = nn.Sequential(*up, nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1))
        self.mean = nn.Conv2d(width, latent_channels, 1)
        self.log_var = nn.Conv2d(width, latent_channels, 1)
        self.rho = nn.Linear(width, latent_channels)
        self.kl_loss = MODELS.build(kl_loss)

    def posterior(self, images: Tensor) -> tuple[GroupedNormal, torch.Size]:
        """q(z) over J = L * h * w variables, and (N, L, h, w)."""
        features = self.encoder(images)
        mean = self.mean(features)
        positions = mean[0, 0].numel()
        logits = self.rho(features.mean(dim=(2, 3)))  # (N, L)
        q = GroupedNormal(
            mean.flatten(1),
            torch.exp(0.5 * self.log_var(features)).flatten(1),
            correlation_from_logits(logits, positions),
            positions,
        )
        return q, mean.shape

    def forward(
        self, inputs: Tensor, data_samples: Any = None, mode: str = 'tensor'
    ) -> dict[str, Tensor] | list[dict] | Tensor:
        """Losses; in ``predict`` one dict an image with its ``error``; pictures."""
        q, shape = self.posterior(inputs)
        z = q.rsample() if mode == 'loss' else q.mean
        pictures = self.decoder(z.view(shape))
        if mode == 'loss':
            return dict(
                loss_picture=F.mse_loss(pictures, inputs),
                loss_kl=self.kl_loss(q),
                rho=q.rho.detach().mean(),
            )
        if mode == 'predict':
            errors = (pictures - inputs).square().mean(dim=(1, 2, 3))
            return [dict(error=float(error)) for error in errors]
        return pictures


@DATASETS.register_module()
class FrameFolder(Dataset):
    """Pictures ``data_root/<img_path>/<sequence>/*.png``, (3, H, W) uint8, BGR.

    Args:
        ann_file: Names of the sequences, one a line.
        data_root: Folder of everything.
        data_prefix: ``img_path``, the folder of the sequences.
    """

    def __init__(self, ann_file: str, data_root: str, data_prefix: dict) -> None:
        names = (Path(data_root) / ann_file).read_text().split()
        root = Path(data_root) / data_prefix['img_path']
        self.paths = [path for name in names for path in sorted(root.glob(f'{name}/*'))]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        picture = cv2.imread(str(self.paths[index]))
        return dict(inputs=torch.from_numpy(picture).permute(2, 0, 1))


@METRICS.register_module()
class ReconstructionError(BaseMetric):
    """Mean square error of the pictures, in the normalised colours."""

    default_prefix = 'vae'

    def process(self, data_batch: Any, data_samples: list[dict]) -> None:
        """Keep the error of each picture."""
        self.results += [sample['error'] for sample in data_samples]

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """``vae/mse`` over all of them."""
        return dict(mse=sum(results) / len(results))
