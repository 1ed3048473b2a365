from .augment import AugmentHead
from .auxiliary import AuxiliaryHead
from .baselines import MaskRCNNIoU
from .encoder import Encoding, VideoEncoder
from .losses import GPKLLoss
from .proposal import ProposalHead
from .trackers import IoUHungarianTracker
from .vae_vist import VAEVIST

__all__ = [
    'VAEVIST',
    'AugmentHead',
    'AuxiliaryHead',
    'Encoding',
    'GPKLLoss',
    'IoUHungarianTracker',
    'MaskRCNNIoU',
    'ProposalHead',
    'VideoEncoder',
]
