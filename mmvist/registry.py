"""Child registries of MMEngine's, scope ``mmvist``.

A config of MMDetection names these modules as ``mmvist.X`` after the single
line ``custom_imports = dict(imports=['mmvist'])``. A child registry looks up
what it does not know in its parent, so ``mmdet.X`` resolves from here too.
Distributions are plain classes and are not registered.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

# VAEVIST, its encoder and three decoders, GPKLLoss, the trackers, the peers
MODELS = Registry(
    'model', parent=MMENGINE_MODELS, scope='mmvist', locations=['mmvist.models']
)
# the host's box coders, assigners and samplers, looked up through the parent
TASK_UTILS = Registry(
    'task util',
    parent=MMENGINE_TASK_UTILS,
    scope='mmvist',
    locations=['mmvist.models'],
)
# MOTSDataset
DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='mmvist', locations=['mmvist.datasets']
)
# VideoFrameSampler: seeded training frames, whole videos per rank when testing
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=MMENGINE_DATA_SAMPLERS,
    scope='mmvist',
    locations=['mmvist.datasets'],
)
# AdjacentFrameSample, ConsecutiveFrameSample, RefFrameSample
TRANSFORMS = Registry(
    'transform',
    parent=MMENGINE_TRANSFORMS,
    scope='mmvist',
    locations=['mmvist.datasets'],
)
# MOTSMetric, VISMetric
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='mmvist', locations=['mmvist.evaluation']
)
# StepSeedHook and the like; VISTVisualizationHook
HOOKS = Registry(
    'hook',
    parent=MMENGINE_HOOKS,
    scope='mmvist',
    locations=['mmvist.engine', 'mmvist.monitor'],
)
