"""Pictures and videos of what a model sees."""

from .compose import next_frame_picture, side_by_side
from .draw import display_scale, draw_instances
from .identities import align_identities
from .palette import identity_color
from .video import PictureFolder, VideoWriter, open_writer

__all__ = [
    'PictureFolder',
    'VideoWriter',
    'align_identities',
    'display_scale',
    'draw_instances',
    'identity_color',
    'next_frame_picture',
    'open_writer',
    'side_by_side',
]
