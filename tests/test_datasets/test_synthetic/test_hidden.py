"""What cannot be seen of the actors of a generated clip."""

import json
from pathlib import Path

import numpy as np

from mmvist.datasets.synthetic.clip import make_clip
from mmvist.datasets.synthetic.dataset import write_synthetic


def test_hidden_fractions_of_a_clip() -> None:
    clip = make_clip((0, 1, 1), frames=8)
    values = set(clip.hidden[0])
    assert set(np.unique(clip.masks).tolist()) - {0} <= values
    for mask, hidden in zip(clip.masks, clip.hidden, strict=True):
        assert set(hidden) == values, 'an actor that is not seen is there all the same'
        for value, fraction in hidden.items():
            area = int((mask == value).sum())
            assert 0 <= fraction <= 1
            assert (fraction == 1) == (area == 0)
    # whoever stands in front of all, inside of the frame, is seen whole
    assert min(min(hidden.values()) for hidden in clip.hidden) == 0


def test_the_file_tells_every_frame(tmp_path: Path) -> None:
    write_synthetic(tmp_path / 'set', train_clips=1, val_clips=1, frames=3)
    hidden = json.loads((tmp_path / 'set' / 'hidden.json').read_text())
    assert list(hidden) == ['0000', '0001']
    assert all(len(frames) == 3 for frames in hidden.values())
    clip = make_clip((0, 1, 0), frames=3)
    expected = [
        {str(value): round(fraction, 4) for value, fraction in frame.items()}
        for frame in clip.hidden
    ]
    assert hidden['0001'] == expected
