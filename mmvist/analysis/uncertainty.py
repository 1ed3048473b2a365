"""Are the probabilities right, and does the spread of the draws tell what is hidden?

Predictions of a VAE-VIST with ``num_samples``, frame by frame, against the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils
from scipy.stats import spearmanr
from torch import Tensor
from torch.utils.data import DataLoader

from mmvist.apis.inference import plain_instances
from mmvist.engine.errors import UserError
from mmvist.evaluation.absence import Hidden, by_instance
from mmvist.evaluation.calibration import Calibration
from mmvist.evaluation.rle import encode_masks
from mmvist.evaluation.truth import Truth, TruthFrame, TruthVideo
from mmvist.models import VAEVIST
from mmvist.models.encoding import Encoding
from mmvist.models.trackers import NEW
from mmvist.structures.clip import Frame
from mmvist.structures.hosts import flat_samples

from .latents import latents_from

IOU_THR = 0.5
"""From here on a mask hits an instance; masks are disjoint, so it hits one at most."""


@dataclass
class Uncertainty:
    """What is counted over the frames of a set.

    Attributes:
        identity: The score of an instance known before, and whether it is the
            instance that the same identity hit when it was shown last.
        pixels: Mean mask probability of each pixel inside the box, and whether it
            belongs to the instance that the mask covers best.
        boxes: Of each instance that was propagated and is a hit: mean variance of the
            four numbers of its propagated box in square pixels, area of the box, mean
            variance of the mask's probability in it, hidden fraction of what was hit,
            NaN where that is not known.
    """

    identity: Calibration = field(default_factory=Calibration)
    pixels: Calibration = field(default_factory=Calibration)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    _last: dict[int, int | None] = field(default_factory=dict)

    def start_video(self) -> None:
        """Identities begin anew."""
        self._last = {}

    def add(
        self,
        instances: InstanceData,
        frame: TruthFrame,
        hidden: Mapping[int, float] | None = None,
    ) -> None:
        """Count a frame.

        Args:
            instances: Of a model with ``num_samples`` from 2 on, on the CPU.
            frame: The truth.
            hidden: Hidden fraction by instance id.
        """
        ious = np.zeros((len(instances), len(frame.rles)))
        if ious.size:
            rles = encode_masks(instances.masks)
            ious = mask_utils.iou(rles, frame.rles, [0] * len(frame.rles))
        for row in range(len(instances)):
            best = int(ious[row].argmax()) if ious.shape[1] else None
            covered = best is not None and ious[row, best] > 0
            self._add_pixels(instances[row], frame.rles[best] if covered else None)
            hit = best if covered and ious[row, best] >= IOU_THR else None
            self._add_track(instances[row], frame, hit, hidden)

    def _add_pixels(self, one: InstanceData, rle: dict | None) -> None:
        height, width = one.mask_probs.shape[1:]
        box = one.bboxes[0]
        left, top = box[:2].floor().clamp(min=0).int().tolist()
        right, bottom = box[2:].ceil().int().tolist()
        truth = np.zeros((height, width), bool)
        if rle is not None:
            truth = mask_utils.decode(rle).astype(bool)
        place = (slice(top, bottom), slice(left, right))
        self.pixels.add(one.mask_probs[0].float().numpy()[place], truth[place])

    def _add_track(
        self,
        one: InstanceData,
        frame: TruthFrame,
        hit: int | None,
        hidden: Mapping[int, float] | None,
    ) -> None:
        identity = int(one.instances_id[0])
        now = None if hit is None else frame.instance_ids[hit]
        if identity in self._last:
            same = now is not None and now == self._last[identity]
            self.identity.add(one.scores.numpy(), np.array([same]))
        if int(one.kinds[0]) != NEW and hit is not None:
            x1, y1, x2, y2 = one.bboxes[0].tolist()
            area = max((x2 - x1) * (y2 - y1), 1.0)
            spread = float(one.box_variances[0].mean())
            blur = float(one.mask_variances.float().sum()) / area
            share = float('nan') if hidden is None else hidden[now]
            self.boxes.append((spread, area, blur, share))
        self._last[identity] = now

    def median_deviation(self) -> float:
        """Of the propagated boxes, in pixels: the root of the median variance."""
        return float(np.median([one[0] for one in self.boxes] or [np.nan]) ** 0.5)

    def correlations(self) -> dict[str, float]:
        """Spearman's rho with the hidden fraction; NaN where all are alike.

        Returns:
            Of ``box``, the variance of the box in square pixels; ``relative``, that
            divided by the area; and ``mask``, the variance of the mask.
        """
        if len(self.boxes) < 3:
            return dict.fromkeys(('box', 'relative', 'mask'), float('nan'))
        spread, area, blur, hidden = np.array(self.boxes).T
        if np.isnan(hidden).any():
            return dict.fromkeys(('box', 'relative', 'mask'), float('nan'))
        pairs = dict(box=spread, relative=spread / area, mask=blur)
        return {
            name: float(spearmanr(values, hidden).statistic)
            if np.ptp(values) and np.ptp(hidden)
            else float('nan')
            for name, values in pairs.items()
        }


def measure_uncertainty(
    runner: Runner,
    truth: Truth,
    num_samples: int,
    hidden: Hidden | None = None,
    progress: Callable[[DataLoader], Iterator] = iter,
) -> Uncertainty:
    """Test a model with S draws, frame by frame.

    Args:
        runner: Of a ``VAEVIST`` whose weights are loaded.
        truth: That of its test set.
        num_samples: S; with 1 the mean of z.
        hidden: Hidden fractions of the instances.
        progress: Wraps the loop over the batches.

    Raises:
        UserError: The model draws no latents, or ``hidden`` is of other clips.
    """
    model: VAEVIST = runner.model
    if not getattr(model, 'variational', False):
        raise UserError('only a VAE-VIST with variational=True has a latent to draw')
    first = {video.frames[0].img_id for video in truth.videos if video.frames}
    found, fractions = Uncertainty(), {}
    for video in truth.videos if hidden is not None else ():
        fractions.update(_hidden_of(hidden, video))
    before, model.num_samples = model.num_samples, max(num_samples, 2)
    source = model.latents if num_samples > 1 else _mean_twice
    try:
        with latents_from(model, source), torch.no_grad():
            model.eval()
            for batch in progress(runner.test_dataloader):
                for sample in model.test_step(batch):
                    for one in flat_samples(sample):
                        if one.img_id in first:
                            found.start_video()
                        found.add(
                            plain_instances(one.pred_track_instances, one.ori_shape),
                            truth.frames[one.img_id],
                            fractions.get(one.img_id),
                        )
    finally:
        model.num_samples = before
    return found


def _mean_twice(encoding: Encoding, frame: Frame) -> Tensor:
    """Two draws that are both the mean: S = 1, with its probabilities told."""
    return encoding.mean.expand(2, -1, -1, -1)


def _hidden_of(hidden: Hidden, video: TruthVideo) -> dict[int, Mapping[int, float]]:
    """Hidden fraction by instance id, by image id."""
    frames = hidden.get(video.name, ())
    ids = {one for frame in video.frames for one in frame.instance_ids}
    fractions = by_instance(frames, ids)
    for t, frame in enumerate(video.frames):
        if t >= len(frames) or set(frame.instance_ids) - fractions[t].keys():
            raise UserError(
                f'--hidden does not know the instances of frame {t} of video '
                f'{video.name}: is it of other clips?'
            )
    return {frame.img_id: one for frame, one in zip(video.frames, fractions)}
