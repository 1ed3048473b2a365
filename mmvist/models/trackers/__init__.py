from .iou_hungarian_tracker import (
    MATCHED,
    NEW,
    PROPAGATED,
    Candidates,
    IoUHungarianTracker,
)

__all__ = ['MATCHED', 'NEW', 'PROPAGATED', 'Candidates', 'IoUHungarianTracker']
