"""Metrics: MOTS numbers by TrackEval, YouTube-VIS average precision."""

from .mots_metric import MOTSMetric
from .track_segm import EVALUATIONS, build_evaluator
from .vis_metric import VISMetric

__all__ = ['EVALUATIONS', 'MOTSMetric', 'VISMetric', 'build_evaluator']
