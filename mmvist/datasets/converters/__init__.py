"""From the layouts of public data sets to the one annotation file we read."""

from mmvist.datasets.converters.cocovid import check_writable, write_json
from mmvist.datasets.converters.kitti_mots import (
    KITTI_MOTS_CLASSES,
    convert_kitti_mots,
)
from mmvist.datasets.converters.sequences import (
    KITTI_MOTS_SPLITS,
    expand_sequences,
    read_split_file,
    sequences_of_split,
    write_split_file,
)
from mmvist.datasets.converters.youtubevis import convert_youtubevis

__all__ = [
    'KITTI_MOTS_CLASSES',
    'KITTI_MOTS_SPLITS',
    'check_writable',
    'convert_kitti_mots',
    'convert_youtubevis',
    'expand_sequences',
    'read_split_file',
    'sequences_of_split',
    'write_json',
    'write_split_file',
]
