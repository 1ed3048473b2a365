"""Seeded synthetic clips: cars and pedestrians in a street, with exact masks."""

from mmvist.datasets.synthetic.check import (
    LinkReport,
    count_switches,
    link_report,
)
from mmvist.datasets.synthetic.clip import Clip, make_clip
from mmvist.datasets.synthetic.dataset import (
    digest,
    iter_clips,
    read_report,
    write_synthetic,
)
from mmvist.datasets.synthetic.plan import truth_of

__all__ = [
    'Clip',
    'LinkReport',
    'count_switches',
    'digest',
    'iter_clips',
    'link_report',
    'make_clip',
    'read_report',
    'truth_of',
    'write_synthetic',
]
