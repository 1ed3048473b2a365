"""Clips drawn while a model is validated, from what the validation computes anyway."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from mmdet.structures import DetDataSample, TrackDataSample

from mmvist.apis.compare import compare_video
from mmvist.apis.inference import FrameResult, plain_instances
from mmvist.apis.next_frame import to_picture
from mmvist.datasets.transforms.load_frame import picture_of
from mmvist.evaluation.truth import Truth, TruthVideo
from mmvist.models import VAEVIST
from mmvist.structures.clip import Frame
from mmvist.structures.hosts import flat_samples, unpack_frames
from mmvist.structures.track_state import VideoState
from mmvist.visualization import next_frame_picture


@dataclass
class _Clip:
    """What is kept of a clip.

    Attributes:
        video: The clip with the frames that are shown alone.
        before: Image id of t + 1 to that of a shown t.
        results: What the model saw, by image id.
        expected: Image id of t to F_t and D_aux's picture of F_{t+1}.
        rows: F_t, F_{t+1} and what was expected of it.
    """

    video: TruthVideo
    before: dict[int, int]
    results: dict[int, FrameResult] = field(default_factory=dict)
    expected: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)


class ValidationClips:
    """Collect frames of the first clips of a validation.

    Args:
        truth: That of the validation set.
        clips: How many clips are shown.
        frames: How many frames of each, spread over its length.
    """

    def __init__(self, truth: Truth, clips: int, frames: int) -> None:
        self.truth, self.clips, self.frames = truth, clips, frames
        self._video_of = {
            frame.img_id: video for video in truth.videos for frame in video.frames
        }
        self._shown: dict[int, _Clip] = {}

    def expect(self, model: VAEVIST, data_batch: dict) -> None:
        """Before a step of the validation: let D_aux expect what comes next.

        The model and the generators of random numbers stay as they are.

        Args:
            model: In evaluation mode, its state that of the frame before.
            data_batch: As the loader gives it; it stays as it is, too.
        """
        samples = [
            one for group in data_batch['data_samples'] for one in flat_samples(group)
        ]
        if not any(self._takes_part(sample) for sample in samples):
            return
        data = model.data_preprocessor(copy.deepcopy(data_batch), False)
        frames = unpack_frames(data['inputs'], data['data_samples'])
        state = model.state
        device = frames[0][0].image.device
        with torch.random.fork_rng([device] if device.type == 'cuda' else []):
            for place, (frame, sample) in enumerate(frames, 1):
                self._expect_one(model, frame, sample, state)
                if place < len(frames):
                    _, state = model.step(frame, state)

    def _takes_part(self, sample: DetDataSample) -> bool:
        clip, one = self._clip_of(sample), sample.img_id
        return clip is not None and (one in clip.before or one in clip.before.values())

    def _expect_one(
        self,
        model: VAEVIST,
        frame: Frame,
        sample: DetDataSample,
        state: VideoState | None,
    ) -> None:
        """Complete the row of t - 1, begin that of t."""
        clip = self._clip_of(sample)
        if clip is None or not self._takes_part(sample):
            return
        height, width = frame.img_shape
        preprocessor = model.data_preprocessor
        image = to_picture(frame.image[0, :, :height, :width], preprocessor)
        begun = clip.expected.pop(clip.before.get(sample.img_id), None)
        if begun is not None:
            clip.rows.append((begun[0], image, begun[1]))
        if sample.img_id in clip.before.values():
            picture = to_picture(model.predict_next_frame(frame, state), preprocessor)
            clip.expected[sample.img_id] = image, picture

    def keep(
        self,
        outputs: Sequence[TrackDataSample | DetDataSample],
        class_names: Sequence[str],
    ) -> None:
        """After a step: keep the instances of frames that are shown."""
        for frame in (one for group in outputs for one in flat_samples(group)):
            clip = self._clip_of(frame)
            if clip and any(frame.img_id == one.img_id for one in clip.video.frames):
                image = picture_of(frame)
                instances = plain_instances(frame.pred_track_instances, frame.ori_shape)
                clip.results[frame.img_id] = FrameResult(
                    frame.frame_id, image, instances, tuple(class_names)
                )

    def pictures(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and uint8 BGR picture of each clip, frame under frame.

        ``val_<clip>`` are tracked frames beside the truth, ``next_frame_<clip>`` are
        t, t+1 and t+1 as it was expected at t. A model without masks or without D_aux
        gives none of the one or the other.
        """
        for clip in self._shown.values():
            name = clip.video.name.replace('/', '_')
            shown = [one for one in clip.video.frames if one.img_id in clip.results]
            results = [clip.results[one.img_id] for one in shown]
            if results and all('masks' in one.instances for one in results):
                video = TruthVideo(clip.video.id, clip.video.name, shown)
                rows = list(compare_video(results, video, self.truth))
                yield f'val_{name}', np.vstack(rows)
            if clip.rows:
                yield f'next_frame_{name}', next_frame_picture(clip.rows)

    def _clip_of(self, sample: DetDataSample) -> _Clip | None:
        """The clip of a frame, where it is one of those that are shown."""
        video = self._video_of.get(sample.img_id)
        if video is None:
            return None
        if video.id not in self._shown and len(self._shown) < self.clips:
            self._shown[video.id] = self._new_clip(video)
        return self._shown.get(video.id)

    def _new_clip(self, video: TruthVideo) -> _Clip:
        last = len(video.frames) - 1
        spread = np.linspace(0, last, self.frames + 2)[1:-1].round().astype(int)
        places = sorted(set(spread.tolist()))
        ids = [frame.img_id for frame in video.frames]
        return _Clip(
            TruthVideo(video.id, video.name, [video.frames[place] for place in places]),
            {ids[place + 1]: ids[place] for place in places if place < last},
        )
