"""Several processes without a GPU.

MMEngine's ``init_dist`` calls ``torch.cuda.set_device`` whatever the backend,
and its runner hands ``device_ids`` to the model wrapper; both fail on a CPU.
"""

import datetime
from typing import Any

import torch.distributed as dist
from mmengine.device import get_device
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from .errors import UserError


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """``MMDistributedDataParallel`` of a model that lies on the CPU.

    Args:
        module: The model.
        device_ids: Dropped; the runner gives it to every wrapper.
        **kwargs: As in ``MMDistributedDataParallel``; with
            ``find_unused_parameters=True`` a step may leave a branch out.
    """

    def __init__(self, module: nn.Module, device_ids: Any = None, **kwargs: Any):
        super().__init__(module=module, device_ids=None, **kwargs)


def init_cpu_group(launcher: str, dist_cfg: dict[str, Any] | None = None) -> None:
    """Join the process group by gloo where the machine has no accelerator.

    Does nothing with an accelerator, without a launcher, or in a process that
    has joined already; the runner then goes its own way.

    Args:
        launcher: ``'none'`` or ``'pytorch'``, as MMDetection's ``--launcher``.
        dist_cfg: ``env_cfg.dist_cfg`` of a config; its ``timeout`` in seconds
            is used.

    Raises:
        UserError: A launcher that has no way to run without a GPU.
    """
    if launcher == 'none' or get_device() != 'cpu' or dist.is_initialized():
        return
    if launcher != 'pytorch':
        raise UserError(
            f'--launcher {launcher} needs a GPU; without one use '
            'tools/dist_train.sh or tools/dist_test.sh'
        )
    timeout = (dist_cfg or {}).get('timeout')
    dist.init_process_group(
        'gloo', timeout=timeout and datetime.timedelta(seconds=timeout)
    )
