"""Several processes without a GPU.

MMEngine's ``init_dist`` calls ``torch.cuda.set_device`` whatever the backend,
and its runner hands ``device_ids`` to the model wrapper; both fail on a CPU.
"""

import datetime
import os
import subprocess
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
        launcher: ``'none'``, ``'pytorch'`` or ``'slurm'``, as MMDetection's
            ``--launcher``.
        dist_cfg: ``env_cfg.dist_cfg`` of a config; its ``timeout`` in seconds
            and, with slurm, its ``port`` are used.

    Raises:
        UserError: A launcher that has no way to run without a GPU, or slurm's
            variables are not there.
    """
    if launcher == 'none' or get_device() != 'cpu' or dist.is_initialized():
        return
    dist_cfg = dist_cfg or {}
    if launcher == 'slurm':
        _settle_slurm(dist_cfg.get('port'))
    elif launcher != 'pytorch':
        raise UserError(
            f'--launcher {launcher} needs a GPU; without one use '
            'tools/dist_train.sh or tools/dist_test.sh'
        )
    timeout = dist_cfg.get('timeout')
    dist.init_process_group(
        'gloo', timeout=timeout and datetime.timedelta(seconds=timeout)
    )


def _settle_slurm(port: int | None) -> None:
    """The variables that torch asks for, from those that slurm sets.

    MMEngine does the same for GPUs, where it also picks this task's device.
    """
    variables = dict(
        RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID'
    )
    for name, slurms in variables.items():
        if slurms not in os.environ:
            raise UserError(
                f'--launcher slurm, but {slurms} is not set: start it with srun, as '
                'tools/slurm_train.sh does'
            )
        os.environ[name] = os.environ[slurms]
    if port is not None:
        os.environ['MASTER_PORT'] = str(port)
    os.environ.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_host(os.environ.get('SLURM_NODELIST', ''))


def _first_host(nodes: str) -> str:
    """Of slurm's list of nodes, which only slurm can read."""
    try:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostnames', nodes],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        return hosts[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        raise UserError(
            f'scontrol does not tell the hosts of SLURM_NODELIST={nodes!r}; set '
            'MASTER_ADDR to the first of them'
        ) from None
