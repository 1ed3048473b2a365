"""Using a trained model on whatever frames there are."""

from .browse import browse_annotations, browse_dataset
from .compare import compare_video
from .frame_source import FrameSource, SourceError
from .frames import open_source
from .inference import FrameResult, VISTInferencer
from .method_figure import method_figure, read_method
from .next_frame import predict_next_frames
from .result_lines import ResultLines

__all__ = [
    'FrameResult',
    'FrameSource',
    'ResultLines',
    'SourceError',
    'VISTInferencer',
    'browse_annotations',
    'browse_dataset',
    'compare_video',
    'method_figure',
    'open_source',
    'predict_next_frames',
    'read_method',
]
