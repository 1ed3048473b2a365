"""Pictures and videos of what a model sees."""

from .compose import (
    fit,
    next_frame_picture,
    side_by_side,
    titled_rows,
    with_header,
)
from .draw import display_scale, draw_ignored, draw_instances, draw_remembered
from .identities import align_identities, numbers_by_votes
from .marks import mark_missed, mark_switch
from .palette import identity_color
from .video import PictureFolder, VideoWriter, open_writer

__all__ = [
    'PictureFolder',
    'VideoWriter',
    'align_identities',
    'display_scale',
    'draw_ignored',
    'draw_instances',
    'draw_remembered',
    'fit',
    'identity_color',
    'mark_missed',
    'mark_switch',
    'next_frame_picture',
    'numbers_by_votes',
    'open_writer',
    'side_by_side',
    'titled_rows',
    'with_header',
]
