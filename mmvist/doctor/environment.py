"""Whether torch, mmcv and its compiled ops, mmengine, mmdet and the rest fit.

Versions and sentences are those of :mod:`mmvist.compat`, which stops at the first
misfit; here everything is looked at, and the ops are run.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import import_module

from ..compat import (
    BESIDE,
    BUILD_OPS,
    STACK,
    find_conflict,
    find_unloadable,
    first_line,
    judge,
)
from .finding import ERROR, NOTE, OK, Finding


def examine_environment() -> Iterator[Finding]:
    """Look at everything mmvist stands on, one finding each."""
    yield Finding(OK, f'Python {platform.python_version()}')
    versions: dict[str, str] = {}
    for requirement in (*STACK, *BESIDE):
        version, misfit = judge(requirement)
        if misfit is not None:
            yield Finding(NOTE if requirement.purpose else ERROR, misfit)
        else:
            versions[requirement.module] = str(version)
            yield Finding(OK, f'{requirement.module} {version}')
    if any(requirement.module not in versions for requirement in STACK):
        return  # what follows would only repeat it
    misfit = find_conflict(versions) or find_unloadable()
    if misfit is not None:
        yield Finding(ERROR, misfit)
        return
    yield Finding(OK, f'OpenCV {import_module("cv2").__version__}')
    yield from examine_devices()


def examine_devices() -> Iterator[Finding]:
    """Run mmcv's ops on the CPU and on a GPU that torch sees."""
    import torch

    yield _try_ops('cpu')
    if torch.version.cuda is None:
        yield Finding(
            NOTE,
            f'CUDA: torch {torch.__version__} is built without it, everything runs on '
            'the CPU; for an NVIDIA GPU run `pip install --force-reinstall '
            f'torch=={torch.__version__.partition("+")[0]}` of a CUDA build, then '
            f'`{BUILD_OPS}`.',
        )
    elif not torch.cuda.is_available():
        yield Finding(
            NOTE,
            f'CUDA {torch.version.cuda}: torch sees no GPU, everything runs on the '
            'CPU; where there is one, see what `nvidia-smi` says of its driver.',
        )
    else:
        name = torch.cuda.get_device_name(0)
        yield Finding(OK, f'CUDA {torch.version.cuda}, {name}')
        yield _try_ops('cuda:0')


def _try_ops(device: str) -> Finding:
    try:
        run_ops(device)
    except Exception as error:  # whatever compiled code raises
        hide = ''
        if device != 'cpu':
            hide = ' where nvcc is, or `export CUDA_VISIBLE_DEVICES=` to hide the GPU'
        return Finding(
            ERROR,
            f"mmcv's ops do not run on {device} ({first_line(error)}): "
            f'run `{BUILD_OPS}`{hide}.',
        )
    return Finding(OK, f"mmcv's ops run on {device}: nms, roi_align")


def run_ops(device: str) -> None:
    """Run NMS and RoIAlign on numbers whose result is known.

    Args:
        device: Such as ``'cpu'`` or ``'cuda:0'``.

    Raises:
        RuntimeError: They do not run there, or give something else.
    """
    import torch
    from mmcv.ops import nms, roi_align

    # the second box covers nine tenths of the first
    boxes = torch.tensor([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    kept = nms(boxes.float().to(device), scores.to(device), 0.5)[1].tolist()
    if kept != [0, 2]:
        raise RuntimeError(f'nms keeps boxes {kept} instead of [0, 2]')
    ramp = torch.arange(16.0, device=device).view(1, 1, 4, 4)
    roi = torch.tensor([[0.0, 0, 0, 4, 4]], device=device)
    pooled = roi_align(ramp, roi, (2, 2), 1.0, 2, 'avg', True).flatten().tolist()
    if pooled != [2.5, 4.5, 10.5, 12.5]:
        raise RuntimeError(f'roi_align gives {pooled} of a ramp')
