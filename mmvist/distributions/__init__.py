from .correlation import (
    CORRELATION_MARGIN,
    correlation_from_logits,
    logits_from_correlation,
)
from .grouped_normal import GroupedNormal
from .kl import kl_to_standard_normal

__all__ = [
    'CORRELATION_MARGIN',
    'GroupedNormal',
    'correlation_from_logits',
    'kl_to_standard_normal',
    'logits_from_correlation',
]
