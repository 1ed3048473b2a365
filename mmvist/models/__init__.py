from .augment import AugmentHead
from .auxiliary import AuxiliaryHead
from .baselines import MaskRCNNIoU, TrackRCNN
from .detectors import FrameDetector, frame_detector
from .encoder import VideoEncoder
from .encoding import Encoding, FeatureEncoder
from .latent_supervision import LatentSupervision
from .losses import GPKLLoss
from .proposal import ProposalHead
from .trackers import IoUHungarianTracker
from .vae_vist import VAEVIST

__all__ = [
    'VAEVIST',
    'AugmentHead',
    'AuxiliaryHead',
    'Encoding',
    'FeatureEncoder',
    'FrameDetector',
    'GPKLLoss',
    'IoUHungarianTracker',
    'LatentSupervision',
    'MaskRCNNIoU',
    'ProposalHead',
    'TrackRCNN',
    'VideoEncoder',
    'frame_detector',
]
