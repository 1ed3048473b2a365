"""Json of YouTube-VIS 2019, YouTube-VIS 2021 or OVIS to a CocoVID-style dict.

The three have one layout: ``videos`` with ``file_names``, ``annotations`` with one
mask (or null) for each of these frames, ``categories``. All are annotated at every
fifth frame of the film, and only those frames are named: ``frame_id`` counts the
named frames, so that neighbours in the file are neighbours for the model, although
five frames of the film lie between them.
"""

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from mmvist.datasets.converters.cocovid import (
    CocoVidBuilder,
    Progress,
    check_entries,
    check_inside,
    no_progress,
)
from mmvist.datasets.converters.frames import frame_size
from mmvist.datasets.converters.segmentation import read_segmentation
from mmvist.datasets.errors import DataError

Report = Callable[[str], None]
NAMED_AT_MOST = 100
"""Missing frames that a message names; so many are rarely single losses."""


def convert_youtubevis(
    content: dict,
    source: str,
    progress: Progress = no_progress,
    drop_mismatched: bool = False,
    report: Report = lambda line: None,
) -> dict:
    """Turn tracks with a list of masks into frames with a list of instances.

    Boxes, areas and OVIS's levels of occlusion are not read: box and area are those
    of the mask. A track marked ``iscrowd`` or ``ignore`` becomes regions of its class
    that are not judged.

    Args:
        content: The parsed json. Without ``annotations`` (validation and test sets)
            all frames are empty.
        source: Name of the json file, for messages.
        progress: Wraps the loop over the videos.
        drop_mismatched: Leave out a track that has more or fewer masks than its
            video has frames; otherwise it is an error, as nothing says which frames
            its masks are of.
        report: Gets a line for what is left out: such tracks, and the number of those
            without a mask in any frame.

    Returns:
        ``info``, ``videos``, ``images``, ``annotations`` and ``categories``; videos
        and categories keep their ids, as the benchmarks' servers and the prediction
        files of others name them, instance ids count from 1 over the whole dict.

    Raises:
        DataError: At the first thing that is wrong, naming video and track.
    """
    check_videos(content, source)
    classes = _classes(content, source)
    tracks = _tracks_of_videos(content, classes, source, drop_mismatched, report)
    builder = CocoVidBuilder(classes, f'{len(content["videos"])} videos of {source}')
    for video in progress(content['videos']):
        size = video['height'], video['width']
        names = video['file_names']
        # a submission names videos by the benchmark's own ids
        video_id = builder.add_video(video_name(video), size, len(names), video['id'])
        for frame_id, name in enumerate(names):
            image_id = builder.add_frame(video_id, frame_id, name)
            for track in tracks.get(video['id'], []):
                mask = track['segmentations'][frame_id]
                if not mask:
                    continue
                where = f'{source}: track {track["id"]}, frame {frame_id}'
                builder.add_instance(
                    image_id,
                    track['category_id'],
                    track['id'],
                    read_segmentation(mask, size, where),
                    ignore=bool(track.get('iscrowd') or track.get('ignore')),
                )
    return builder.build()


def video_name(video: dict) -> str:
    """Folder of a video's frames, which is its name; else its number."""
    return video['file_names'][0].rpartition('/')[0] or str(video['id'])


def select_videos(content: dict, names: Collection[str]) -> dict:
    """The same json with some of its videos.

    Args:
        content: The parsed json.
        names: Names of videos, see :func:`video_name`.
    """
    videos = [video for video in content['videos'] if video_name(video) in names]
    ids = {video['id'] for video in videos}
    tracks = [
        track
        for track in content.get('annotations') or []
        if track.get('video_id') in ids
    ]
    return dict(content, videos=videos, annotations=tracks)


def check_frames(
    content: dict, source: str, folder: Path, progress: Progress = no_progress
) -> None:
    """Look for every frame that the json names, and at its size.

    Args:
        content: The parsed json.
        source: Name of the json file, for messages.
        folder: What ``file_names`` are relative to.
        progress: Wraps the loop over the videos.

    Raises:
        DataError: A frame cannot be read or is of another size than its video; or
            frames are missing: one line that names each of them, up to a hundred.
    """
    check_videos(content, source)
    if not folder.is_dir():
        raise DataError(f'{folder}: no such folder of frames')
    missing: list[str] = []
    frames = 0
    for video in progress(content['videos']):
        for name in video['file_names']:
            frames += 1
            if not (folder / name).is_file():
                missing.append(name)
                continue
            height, width = frame_size(folder / name, check_pixels=False)
            if (height, width) != (video['height'], video['width']):
                raise DataError(
                    f'{folder / name}: is {width} x {height}, but {source} says '
                    f'{video["width"]} x {video["height"]}; fetch it again'
                )
    if len(missing) == frames:
        raise DataError(
            f'{folder}: has none of the {frames} frames of {source}, such as '
            f'{missing[0]}; it should be the folder of the videos'
        )
    if missing:
        more = len(missing) - NAMED_AT_MOST
        raise DataError(
            f'{folder}: lacks {len(missing)} of the {frames} frames of {source}: '
            + ', '.join(missing[:NAMED_AT_MOST])
            + (f' and {more} more' if more > 0 else '')
            + '; fetch them again'
        )


def check_videos(content: dict, source: str) -> None:
    """Refuse a json whose videos do not say what they have to.

    Raises:
        DataError: There are none, one has no id, size or frames, or an id comes twice.
    """
    for key in ('videos', 'categories'):
        if not content.get(key):
            raise DataError(f'{source}: has no {key}; is it a YouTube-VIS file?')
        check_entries(content[key], f'{source}: {key}', ['id', 'name'])
    for place, video in enumerate(content['videos']):
        for key in ('id', 'height', 'width'):
            if not isinstance(video.get(key), int):
                raise DataError(f'{source}: {key} of videos[{place}] is no number')
        names = video.get('file_names')
        if not isinstance(names, list) or not all(
            isinstance(name, str) for name in names or [None]
        ):
            raise DataError(f'{source}: video {video["id"]} names no file')
        for name in names:
            check_inside(name, f'{source}: video {video["id"]}')
    _check_unique(content['videos'], source, 'videos')


def _classes(content: dict, source: str) -> dict[int, str]:
    for place, category in enumerate(content['categories']):
        if not {'id', 'name'} <= set(category):
            raise DataError(f'{source}: categories[{place}] has no id or name')
    _check_unique(content['categories'], source, 'categories')
    return {category['id']: category['name'] for category in content['categories']}


def _tracks_of_videos(
    content: dict,
    classes: dict[int, str],
    source: str,
    drop_mismatched: bool,
    report: Report,
) -> dict[Any, list[dict]]:
    """Tracks by video, each with as many masks as its video has frames."""
    lengths = {video['id']: len(video['file_names']) for video in content['videos']}
    tracks: dict[Any, list[dict]] = {}
    never_seen = 0
    annotations = content.get('annotations')
    if annotations is None:
        annotations = []  # of a validation or test set
    check_entries(
        annotations, f'{source}: annotations', ['id', 'video_id', 'category_id']
    )
    for place, track in enumerate(annotations):
        missing = {'id', 'video_id', 'category_id'} - set(track)
        if missing:
            raise DataError(f'{source}: annotations[{place}] has no {min(missing)}')
        where = f'{source}: track {track["id"]}'
        if track['video_id'] not in lengths:
            raise DataError(f'{where} is of video {track["video_id"]}: not there')
        if track['category_id'] not in classes:
            raise DataError(f'{where} is of class {track["category_id"]}: not there')
        masks = track.get('segmentations')
        if not masks or not any(masks):
            never_seen += 1
            continue
        if len(masks) != lengths[track['video_id']]:
            message = (
                f'{where} has {len(masks)} masks, but its video has '
                f'{lengths[track["video_id"]]} frames'
            )
            if not drop_mismatched:
                raise DataError(
                    f'{message}; fetch the file again, or leave such tracks out with '
                    '--drop-mismatched'
                )
            report(f'{message}: left out')
            continue
        tracks.setdefault(track['video_id'], []).append(track)
    _check_unique(annotations, source, 'annotations')
    if never_seen:
        report(
            f'{source}: {never_seen} of {len(annotations)} tracks have no mask in any '
            'frame: left out'
        )
    return tracks


def _check_unique(items: list[dict], source: str, kind: str) -> None:
    twice = [i for i, n in Counter(item['id'] for item in items).items() if n > 1]
    if twice:
        raise DataError(f'{source}: {kind} have the id {twice[0]} more than once')
