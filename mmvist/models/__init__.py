from .any_layout import read_any_layout
from .augment import AugmentHead
from .auxiliary import AuxiliaryHead
from .baselines import MaskRCNNIoU, MaskTrackRCNN, RoIEmbedHead, TrackRCNN
from .detail_roi_extractor import DetailRoIExtractor
from .detectors import FrameDetector, frame_detector
from .encoder import VideoEncoder
from .encoding import Encoding, FeatureEncoder
from .latent_supervision import LatentSupervision
from .losses import GPKLLoss
from .proposal import ProposalHead
from .shortcut_roi_extractor import ShortcutRoIExtractor
from .trackers import IoUHungarianTracker, IoUTracker, MaskTrackRCNNTracker
from .vae_vist import VAEVIST

__all__ = [
    'VAEVIST',
    'AugmentHead',
    'AuxiliaryHead',
    'DetailRoIExtractor',
    'Encoding',
    'FeatureEncoder',
    'FrameDetector',
    'GPKLLoss',
    'IoUHungarianTracker',
    'IoUTracker',
    'LatentSupervision',
    'MaskRCNNIoU',
    'MaskTrackRCNN',
    'MaskTrackRCNNTracker',
    'ProposalHead',
    'RoIEmbedHead',
    'ShortcutRoIExtractor',
    'TrackRCNN',
    'VideoEncoder',
    'frame_detector',
    'read_any_layout',
]
