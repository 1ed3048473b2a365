"""What the words after ``--eval`` mean."""

from collections.abc import Sequence
from typing import Any

EVALUATIONS: dict[str, tuple[str, ...]] = {
    'track_segm': ('mmvist.VISMetric', 'mmvist.MOTSMetric'),
    'youtube_vis': ('mmvist.VISMetric',),
    'mots': ('mmvist.MOTSMetric',),
    'segm': ('mmvist.SegmMetric',),
}
# metrics that can write their predictions, and the ending of the name
_OUTFILES = {'mmvist.VISMetric': 'youtube_vis', 'mmvist.MOTSMetric': 'mots'}


def build_evaluator(
    names: str | Sequence[str],
    ann_file: str,
    outfile_prefix: str | None = None,
    format_only: bool = False,
    mots_formats: str | Sequence[str] | None = None,
    host: str = 'mmdet',
    **kwargs: Any,
) -> list[dict[str, Any]]:
    """Metric configs for the names given to ``--eval``.

    Args:
        names: One or several of ``EVALUATIONS``; a metric that two names share
            is taken once.
        ann_file: CocoVID-style json with the truth.
        outfile_prefix: Where predictions are written, if anywhere: video tracks
            to ``<outfile_prefix>.youtube_vis.json``, MOTS files into the folder
            ``<outfile_prefix>.mots``.
        format_only: Write predictions and compute nothing.
        mots_formats: ``outfile_formats`` of ``MOTSMetric``; its default if None.
        host: ``default_scope`` of the config. In one of MMTracking video AP is that
            of its own ``YouTubeVISMetric``, which reads the truth out of the data
            samples and takes none of ``kwargs``.
        **kwargs: Further arguments for every metric, such as
            ``backend_args`` and ``collect_device``.

    Returns:
        A list of configs for ``test_evaluator``.

    Raises:
        ValueError: If there is no name, or an unknown one, or ``format_only`` is
            asked of a metric that has no file format.

    Examples:
        >>> [cfg['type'] for cfg in build_evaluator(['track_segm'], 'val.json')]
        ['mmvist.VISMetric', 'mmvist.MOTSMetric']
    """
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in EVALUATIONS]
    if unknown or not names:
        what = (
            f'unknown evaluation {", ".join(unknown)}' if unknown else 'no evaluation'
        )
        raise ValueError(f'{what}; known are {", ".join(EVALUATIONS)}')
    types = dict.fromkeys(kind for name in names for kind in EVALUATIONS[name])
    metrics = []
    for kind in types:
        settings: dict[str, Any] = {'type': kind}
        if kind in _OUTFILES:
            prefix = outfile_prefix and f'{outfile_prefix}.{_OUTFILES[kind]}'
            settings.update(outfile_prefix=prefix, format_only=format_only)
            if mots_formats is not None and kind == 'mmvist.MOTSMetric':
                settings['outfile_formats'] = mots_formats
        elif format_only:
            raise ValueError(f'{kind} has no file format to write')
        if host == 'mmtrack' and kind == 'mmvist.VISMetric':
            settings['type'] = 'mmtrack.YouTubeVISMetric'
        else:
            settings.update(ann_file=ann_file, **kwargs)
        metrics.append(settings)
    return metrics
