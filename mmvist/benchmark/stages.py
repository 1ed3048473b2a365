"""Where the time and the memory of a frame go, by the parts of a model."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from mmvist.models import VAEVIST

from .side_by_side import forget_peak, peak_resident, resident

GIVE_BACK = {'MALLOC_MMAP_THRESHOLD_': '65536'}
"""For a process that tells memory: glibc then keeps nothing of 64 KiB or more."""


def stage_modules(model: nn.Module) -> dict[str, nn.Module]:
    """The modules whose time makes a profile, by what they are called in it."""
    detector = model.detector
    stages = {
        'backbone': detector.backbone,
        'FPN': detector.neck,
        'RPN': detector.rpn_head,
        'box RoIAlign': detector.roi_head.bbox_roi_extractor,
        'box head': detector.roi_head.bbox_head,
    }
    if isinstance(model, VAEVIST):
        stages |= {
            'E_phi': model.encoder,
            'D_pro maps': model.proposal_head.decoder,
            'D_pro RoIAlign': model.proposal_head.roi_extractor,
            'D_pro layers': model.proposal_head.fc,
        }
        if model.with_augment:
            heads = model.augment_head.roi_head
            stages |= {
                'D_aug maps': model.augment_head,
                'D_aug box RoIAlign': heads.bbox_roi_extractor,
                'D_aug box head': heads.bbox_head,
                'mask RoIAlign': heads.mask_roi_extractor,
                'mask head': heads.mask_head,
            }
    else:
        stages |= {
            'mask RoIAlign': detector.roi_head.mask_roi_extractor,
            'mask head': detector.roi_head.mask_head,
            'track RoIAlign': model.track_head.roi_extractor,
            'track head': model.track_head.embed_head,
        }
    return stages


def watch(
    model: nn.Module, begin: Callable[[str], None], end: Callable[[str], None]
) -> list[str]:
    """Call ``begin`` and ``end`` around each stage, and return the stages' names."""
    stages = stage_modules(model)
    for name, module in stages.items():
        module.register_forward_pre_hook(lambda *_, name=name: begin(name))
        module.register_forward_hook(lambda *_, name=name: end(name))
    return list(stages)


class Profile:
    """Seconds in each stage; on a CPU.

    Args:
        model: To be watched.
        clock: Tells seconds.
    """

    def __init__(self, model: nn.Module, clock: Callable[[], float]) -> None:
        begun: dict[str, float] = {}

        def begin(name: str) -> None:
            begun[name] = clock()

        def end(name: str) -> None:
            self.seconds[name] += clock() - begun[name]

        self.seconds = dict.fromkeys(watch(model, begin, end), 0.0)


class MemoryProfile:
    """Most memory in each stage beyond what was held before it, in MB; on Linux.

    What is set free has to go back to the system at once, or a stage would be told to
    need nothing where another one left room: :data:`GIVE_BACK` in the environment of
    the process sees to it.

    Args:
        model: To be watched.
    """

    def __init__(self, model: nn.Module) -> None:
        held: dict[str, float] = {}

        def begin(name: str) -> None:
            held[name] = resident()
            forget_peak()

        def end(name: str) -> None:
            used = peak_resident() - held[name]
            self.megabytes[name] = max(self.megabytes[name], used)

        self.megabytes = dict.fromkeys(watch(model, begin, end), 0.0)
