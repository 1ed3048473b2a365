"""Metrics: MOTS numbers by TrackEval, average precision of tracks and of masks."""

from .mots_metric import MOTSMetric
from .segm_metric import SegmMetric
from .track_segm import EVALUATIONS, build_evaluator
from .vis_metric import VISMetric

__all__ = ['EVALUATIONS', 'MOTSMetric', 'SegmMetric', 'VISMetric', 'build_evaluator']
