"""Video instance segmentation and tracking with a modified VAE.

A plugin of MMDetection 3.x. Importing it registers every module, so that a
foreign config needs only ``custom_imports = dict(imports=['mmvist'])`` and then
names, for instance, ``mmvist.GPKLLoss``.
"""

from .compat import check_stack, import_host
from .version import __version__

check_stack()
import_host()

from . import datasets, engine, evaluation, models, monitor

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'monitor']
