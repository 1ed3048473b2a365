"""YouTube-VIS 2019 / 2021 json to a CocoVID-style dict."""

from collections.abc import Callable
from typing import Any

from pycocotools import mask as mask_utils

from mmvist.datasets.converters.cocovid import (
    CocoVidBuilder,
    Progress,
    no_progress,
)
from mmvist.datasets.errors import DataError


def convert_youtubevis(
    content: dict, source: str, progress: Progress = no_progress
) -> dict:
    """Turn tracks with a list of masks into frames with a list of instances.

    Args:
        content: The parsed json: ``videos`` with ``file_names``, ``categories``,
            and ``annotations`` with one entry a frame in ``segmentations``, null
            where the object is not seen. Without ``annotations`` (test sets)
            all frames are empty.
        source: Name of the json file, for messages.
        progress: Wraps the loop over the videos.

    Returns:
        ``info``, ``videos``, ``images``, ``annotations`` and ``categories``; box
        and area are those of the mask, and instance ids count from 1 over the
        whole dict.

    Raises:
        DataError: At the first thing that is wrong, naming video and track.
    """
    for key in ('videos', 'categories'):
        if not content.get(key):
            raise DataError(f'{source}: has no {key}; is it a YouTube-VIS file?')
    classes = {cat['id']: cat['name'] for cat in content['categories']}
    tracks = _tracks_of_videos(content, classes, source)
    builder = CocoVidBuilder(classes, f'{len(content["videos"])} videos of {source}')
    for video in progress(content['videos']):
        size = video['height'], video['width']
        names = video.get('file_names') or []
        if not names:
            raise DataError(f'{source}: video {video["id"]} names no file')
        folder = names[0].rpartition('/')[0] or str(video['id'])
        video_id = builder.add_video(folder, size, len(names))
        for frame_id, name in enumerate(names):
            image_id = builder.add_frame(video_id, frame_id, name)
            for track in tracks.get(video['id'], []):
                rle = _rle(track, frame_id, size, source)
                if rle is not None:
                    builder.add_instance(
                        image_id, track['category_id'], track['id'], rle
                    )
    return builder.build()


def _tracks_of_videos(
    content: dict, classes: dict[int, str], source: str
) -> dict[Any, list[dict]]:
    """Tracks by video, each with as many masks as its video has frames."""
    lengths = {v['id']: len(v.get('file_names') or []) for v in content['videos']}
    tracks: dict[Any, list[dict]] = {}
    for track in content.get('annotations') or []:
        where = f'{source}: track {track["id"]}'
        if track['video_id'] not in lengths:
            raise DataError(f'{where} is of video {track["video_id"]}: not there')
        if track['category_id'] not in classes:
            raise DataError(f'{where} is of class {track["category_id"]}: not there')
        if len(track['segmentations']) != lengths[track['video_id']]:
            raise DataError(
                f'{where} has {len(track["segmentations"])} masks, but its video '
                f'has {lengths[track["video_id"]]} frames'
            )
        tracks.setdefault(track['video_id'], []).append(track)
    return tracks


def _rle(track: dict, frame_id: int, size: tuple[int, int], source: str) -> dict | None:
    """Compressed run-length code of one mask, or None where there is none."""
    mask = track['segmentations'][frame_id]
    if not mask:
        return None
    where = f'{source}: track {track["id"]}, frame {frame_id}'
    if isinstance(mask, list):
        return mask_utils.merge(_encode(mask, size, where))
    if tuple(mask['size']) != size:
        raise DataError(f'{where}: mask is {mask["size"]}, its video {list(size)}')
    if isinstance(mask['counts'], list):
        return _encode(mask, size, where)
    counts = mask['counts']
    counts = counts.encode() if isinstance(counts, str) else counts
    return dict(size=list(size), counts=counts)


def _encode(mask: Any, size: tuple[int, int], where: str) -> Any:
    """pycocotools' code of polygons or of an uncompressed run-length code."""
    encode: Callable = mask_utils.frPyObjects
    if isinstance(mask, dict) and sum(mask['counts']) != size[0] * size[1]:
        raise DataError(f'{where}: run lengths do not add up to the frame')
    try:
        return encode(mask, *size)
    except Exception as error:
        raise DataError(f'{where}: mask cannot be read ({error})') from error
