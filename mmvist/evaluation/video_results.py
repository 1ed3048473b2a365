"""What TrackEval counts in each video, in a file.

Of such files any choice of videos can be put together without the predictions: a
bootstrap over clips, the numbers of a part of the set.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvist.datasets.errors import DataError
from mmvist.files import whole_file

VideoResults = dict[str, dict[str, dict[str, dict[str, Any]]]]
"""Video, class, metric, field: a number, or an array over HOTA's thresholds."""


def write_video_results(
    path: str | Path, classes: Sequence[str], results: VideoResults
) -> None:
    """Write the results of :func:`judge_videos` as json; the folder is made."""
    text = json.dumps(
        dict(classes=list(classes), videos=results), default=lambda one: one.tolist()
    )
    with whole_file(path) as part:
        part.write_text(text)


def read_video_results(path: str | Path) -> tuple[list[str], VideoResults]:
    """Class list and results of a file of :func:`write_video_results`.

    Raises:
        DataError: The file is missing or another one.
    """
    try:
        data = json.loads(Path(path).read_text())
        classes, videos = data['classes'], data['videos']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f'{path}: holds no results by video ({error}); test again'
        ) from None
    for result in videos.values():
        for metrics in result.values():
            for fields in metrics.values():
                for name, value in fields.items():
                    if isinstance(value, list):
                        fields[name] = np.array(value)
    return classes, videos
