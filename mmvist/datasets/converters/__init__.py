"""From the layouts of public data sets to the one annotation file we read."""

from mmvist.datasets.converters.coco_frames import convert_coco_frames
from mmvist.datasets.converters.cocovid import check_writable, read_json, write_json
from mmvist.datasets.converters.held_out import held_out_by_hash, held_out_videos
from mmvist.datasets.converters.kitti_mots import (
    KITTI_MOTS_CLASSES,
    convert_kitti_mots,
)
from mmvist.datasets.converters.mapillary import (
    VISTAS_CLASSES,
    VISTAS_SPLITS,
    convert_mapillary,
)
from mmvist.datasets.converters.mots_challenge import (
    MOTS_CHALLENGE_CLASSES,
    MOTS_CHALLENGE_TEST,
    MOTS_CHALLENGE_TRAIN,
    convert_mots_challenge,
    leave_one_out,
)
from mmvist.datasets.converters.png_folders import convert_png_folders
from mmvist.datasets.converters.sequences import (
    KITTI_MOTS_SPLITS,
    expand_sequences,
    read_split_file,
    sequences_of_split,
    write_split_file,
)
from mmvist.datasets.converters.youtubevis import (
    check_frames,
    check_videos,
    convert_youtubevis,
    select_videos,
    video_name,
)

__all__ = [
    'KITTI_MOTS_CLASSES',
    'KITTI_MOTS_SPLITS',
    'MOTS_CHALLENGE_CLASSES',
    'MOTS_CHALLENGE_TEST',
    'MOTS_CHALLENGE_TRAIN',
    'VISTAS_CLASSES',
    'VISTAS_SPLITS',
    'check_frames',
    'check_videos',
    'check_writable',
    'convert_coco_frames',
    'convert_kitti_mots',
    'convert_mapillary',
    'convert_mots_challenge',
    'convert_png_folders',
    'convert_youtubevis',
    'expand_sequences',
    'held_out_by_hash',
    'held_out_videos',
    'leave_one_out',
    'read_json',
    'read_split_file',
    'select_videos',
    'sequences_of_split',
    'video_name',
    'write_json',
    'write_split_file',
]
