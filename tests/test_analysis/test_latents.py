"""Another z in a model, and what is read from a log of rho."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_vist import frame_of, lively_model

from mmvist.analysis.latent_use import RhoLog, read_rho
from mmvist.analysis.latents import LatentProbe, exchanged, latents_from
from mmvist.engine.errors import UserError
from mmvist.models import VAEVIST

IMAGES = torch.randn(2, 3, 1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
"""Two videos of three frames."""


def model_with_aux() -> VAEVIST:
    torch.manual_seed(0)
    return lively_model()


def play(model: VAEVIST, probe: LatentProbe, lengths=(3, 3)) -> list[torch.Tensor]:
    """What D_pro and the rest were given, in order."""
    seen = []
    handle = model.proposal_head.register_forward_hook(
        lambda module, args, out: seen.append(args[0].clone())
    )
    with latents_from(model, probe):
        for video, length in enumerate(lengths):
            state = None
            for t in range(length):
                frame = frame_of(IMAGES[video, t], t, video_id=video)
                _, state = model.step(frame, state)
    handle.remove()
    return seen


def test_the_probe_changes_nothing_and_measures_the_next_frame() -> None:
    model = model_with_aux()
    probe = LatentProbe(model)
    seen = play(model, probe)
    assert 'latents' not in vars(model), 'the model is whole again'
    kept = [z for frames in probe.means.values() for z in frames.values()]
    assert all(torch.equal(a, b) for a, b in zip(seen, kept, strict=True))
    errors = []
    for video in range(2):
        for t in range(2):  # of the last frame nothing is expected
            picture = model.auxiliary_head(probe.means[video][t], (64, 96))
            errors.append((picture - IMAGES[video, t + 1])[..., :60, :90].square())
    expected = torch.cat(errors).double().mean().item()
    assert probe.aux_error == pytest.approx(expected, rel=1e-5)
    assert probe.units.count()[1:] == (4 * 2 * 3, 6)
    assert probe.quantiles['sigma_p50'] == pytest.approx(0.223, abs=0.03)


def test_z_of_the_same_frame_of_the_other_clip() -> None:
    model = model_with_aux()
    own = LatentProbe(model)
    play(model, own)
    other = LatentProbe(model, exchanged(own.means))
    seen = play(model, other)
    for video in range(2):
        for t in range(3):
            assert torch.equal(seen[3 * video + t], own.means[1 - video][t])
    # the picture of the one is judged by the frames of the other
    picture = model.auxiliary_head(own.means[1][0], (64, 96))
    first = (picture - IMAGES[0, 1])[..., :60, :90].square().mean().item()
    alone = LatentProbe(model, exchanged(own.means))
    play(model, alone, lengths=(2,))
    assert alone.aux_error == pytest.approx(first, rel=1e-5)


def test_no_clip_to_exchange_with() -> None:
    model = model_with_aux()
    own = LatentProbe(model)
    play(model, own, lengths=(3, 1))
    with pytest.raises(UserError, match='frame 1 of video 0: no other clip'):
        play(model, LatentProbe(model, exchanged(own.means)))


def test_a_model_that_fails_is_whole_again() -> None:
    model = model_with_aux()
    with pytest.raises(RuntimeError), latents_from(model, lambda *args: None):
        raise RuntimeError
    assert model.latents.__func__ is VAEVIST.latents


def test_rho_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / 'scalars.json'
    rows = [dict(iter=i, rho=-0.1 / i, abs_rho=0.1 / i, loss=1.0) for i in range(1, 21)]
    lines = [*map(json.dumps, rows), json.dumps({'mots/sMOTSA': 0.5, 'step': 20})]
    path.write_text('\n'.join(lines) + '\n')
    log = read_rho(path)
    assert log.iterations == list(range(1, 21))
    assert log.at_end == pytest.approx((0.1 / 19 + 0.1 / 20) / 2)
    assert not log.confirmed and RhoLog([1], [-0.06], [0.06]).confirmed
    shown = list(log.spread(4))
    assert [one[0] for one in shown] == [5, 10, 15, 20]
    assert shown[0][1:] == (pytest.approx(-0.02), pytest.approx(0.02))
    path.write_text('{"loss": 1}\n')
    with pytest.raises(UserError, match='tells no rho'):
        read_rho(path)
    with pytest.raises(UserError, match='cannot be read'):
        read_rho(tmp_path / 'none.json')
